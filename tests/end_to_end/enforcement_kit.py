"""A project with a loop of any pattern, whose agent is a real program that never says that anything is good."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.journal import load_run
from loopengt.testing import loop_spec, make_kernel, run_loop

if TYPE_CHECKING:
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import Event

CUSTOM = """
async def laps(run):
    while True:
        for step in run.spec.steps:
            await run.step(step, tolerate=not run.spec.policy.fail_fast)
"""
"""A pattern of a person's own, which knows no limit itself."""

AGENT = """
echo "$LOOPENGT_STEP" >> .loopengt/calls
{body}
case "$LOOPENGT_STEP" in
  lead) next={next} ;;
  *) next=lead ;;
esac
printf '{{"passed": false, "next_step": "%s", "handoff_to": "%s", ' "$next" "$next"
printf '"token_usage": {{"total": 100}}{more}}}'
"""
"""Never says that anything is good, and always names somebody to come next."""

STEPS = ("lead", "work", "more", "last")

PATTERNS: dict[str, dict[str, Any]] = {
    "sequential": {"pattern": "sequential"},
    "sequential, parallel": {"pattern": "sequential", "policy": {"allow_parallel": True}},
    "supervisor_worker": {"pattern": "supervisor_worker"},
    "parallel_fan_out": {"pattern": "parallel_fan_out"},
    "handoff, direct": {"pattern": "handoff"},
    "handoff, via_supervisor": {"pattern": "handoff", "handoff": {"protocol": "via_supervisor"}},
    "handoff, broadcast": {"pattern": "handoff", "handoff": {"protocol": "broadcast"}},
    "evaluator_optimizer": {"pattern": "evaluator_optimizer"},
    "custom": {"pattern": "own_laps:laps"},
    "repeat": {"pattern": "repeat"},
}
"""Left alone, each takes at least four turns, and most of them never end."""

FINITE = {"sequential", "sequential, parallel", "parallel_fan_out", "handoff, broadcast"}
"""Those that take each step once."""


class Table:
    """A project with an agent that is a program, and loops of any pattern with it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.events: list[Event] = []
        (project / "own_laps.py").write_text(CUSTOM)
        # What is in this folder is no work of the agent's.
        (project / ".loopengt").mkdir()

    def run(
        self,
        pattern: str,
        *,
        body: str = "",
        more: str = "",
        next: str = "work",  # noqa: A002
        steps: dict[str, dict[str, Any]] | None = None,
        agent: dict[str, Any] | None = None,
        policy: dict[str, Any] | None = None,
        **fields: Any,
    ) -> RunResult:
        """Run a loop to its end.

        Args:
            pattern: Which of PATTERNS.
            body: What the agent does, for the shell, before it answers.
            more: Further keys of its answer, with a comma before them.
            next: The step that the first one names.
            steps: Keys of steps, by name.
            agent: Keys of the agent.
            policy: Keys of the policy; one step at a time and no retries by default.
            fields: Further keys of the spec.
        """
        script = AGENT.format(body=body, more=more, next=next)
        role = {"name": "worker", "config": {"provider": "command", "extra": {"command": script}}}
        chosen = PATTERNS[pattern]
        limits = {"max_turns": 12, "max_concurrency": 1, "retry": {"max_retries": 0}}
        described = [{"name": name, **(steps or {}).get(name, {})} for name in STEPS]
        shape = {key: value for key, value in chosen.items() if key != "policy"}
        spec = loop_spec(
            *described,
            agents=[role | (agent or {})],
            policy=limits | chosen.get("policy", {}) | (policy or {}),
            **shape,
            **fields,
        )
        return asyncio.run(self._run(spec))

    async def _run(self, spec: dict[str, Any]) -> RunResult:
        kernel = make_kernel(self.project)
        async with kernel.storage() as storage:
            result = await run_loop(kernel, spec)
            self.events = (await load_run(storage, result.run_id))[1]
        return result

    @property
    def calls(self) -> list[str]:
        """The steps for which the agent's program was started, in order."""
        file = self.project / ".loopengt/calls"
        return file.read_text().split() if file.exists() else []

    def of(self, kind: str, step: str | None = None) -> list[dict[str, Any]]:
        """Return the data of the events of a type."""
        return [event.data for event in self.events if event.type == kind and step in (None, event.step)]


every_pattern = pytest.mark.parametrize("pattern", PATTERNS)
"""Repeats a test for each of them."""
