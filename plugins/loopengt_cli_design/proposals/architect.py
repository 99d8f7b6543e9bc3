"""The architect: a loop of ours that proposes a loop, has it checked, and improves it, three laps at most."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loopengt.spec import spec_json_schema
from loopengt.temporary import temporary_folder
from loopengt_cli_design.detecting import find_workers
from loopengt_cli_design.proposals.prompts import PROMPT, SYSTEM, describe
from loopengt_cli_design.proposals.text import data_of, to_yaml
from loopengt_hookspecs.engines import RunRequest

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_design.detecting import Findings, Worker
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["LAPS", "Answer", "architect_spec", "ask_architect"]

LAPS: Final = 3
_MOST_TOKENS: Final = 1_000_000
_MOST_USD: Final = 2.0
_MOST_SECONDS: Final = 1_800.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking the architect."""

    result: RunResult
    text: str = ""
    """The proposed loop.yaml, which is sound; empty: there is none."""
    why: str = ""
    """Why it is as it is, in the architect's words."""


def ask_architect(kernel: Kernel, worker: Worker, goal: str, findings: Findings) -> Answer:
    """Have a loop designed. It is a run like any other: journaled, budgeted, and shown while it goes on.

    Args:
        kernel: The project.
        worker: Who does it.
        goal: What the loop is to reach, in words of a person.
        findings: What the project's files speak of.

    Raises:
        SpecError: The provider does not take what the architect needs.
        UsageError: The engine cannot run it.
        StorageError: The journal cannot be written.
    """
    import asyncio

    spec = _load(kernel, architect_spec(kernel, worker, goal, findings))
    request = RunRequest(spec, observers=_observers(kernel))
    result = asyncio.run(_drive(kernel, request))
    if result.end.reason.exit_code:
        return Answer(result)
    proposal = data_of(result.output)
    return Answer(result, to_yaml(proposal), _why(proposal))


def architect_spec(kernel: Kernel, worker: Worker, goal: str, findings: Findings) -> dict[str, Any]:
    """Return the architect's loop as data."""
    config: dict[str, Any] = {"provider": worker.provider}
    if worker.model:
        config["model"] = worker.model
    reads = _can_only_read(kernel, worker.provider)
    if reads:
        config["extra"] = {"permissions": "read"}
    known = describe(kernel, findings, find_workers(kernel))
    return {
        "name": "architect",
        "description": "Designs a loop: proposes, has it checked, improves.",
        "goal": "A loop that is sound, and that proves its work by gates.",
        "pattern": "repeat",
        # Who may change files works on a copy; all others see the project as it is.
        "workspace": "in_place" if reads or _has_no_hands(kernel, worker) else "auto",
        "agents": [
            {
                "name": "architect",
                "description": "Proposes the loop.",
                "system_prompt": SYSTEM,
                "output_schema": spec_json_schema(kernel.known_names(), {}),
                "timeout_seconds": 900,
                "config": config,
            }
        ],
        "steps": [
            {
                "name": "propose",
                "agent": "architect",
                "prompt_template": PROMPT,
                "verification_gates": ["sound"],
            }
        ],
        "policy": {
            "max_turns": LAPS,
            "max_total_time_seconds": _MOST_SECONDS,
            # An agent that fails twice in a row will not do better at a third time; its error then ends the run.
            "retry": {"max_retries": 1},
            "budget": {
                "max_tokens": _MOST_TOKENS,
                "max_cost_usd": _MOST_USD,
                "on_unknown_cost": "estimate",
            },
            "verification_gates": [
                {
                    "name": "sound",
                    "description": "validate finds nothing wrong with the proposal, and its gates can fail.",
                    "kind": "loop_spec",
                }
            ],
        },
        "context": {"request": goal, **known},
    }


async def _drive(kernel: Kernel, request: RunRequest) -> RunResult:
    async with kernel.storage():
        return await kernel.engine().start(request)


def _load(kernel: Kernel, data: dict[str, Any]) -> LoopSpec:
    """Load the architect's loop as any other, with the project's defaults and the provider's own checks."""
    with temporary_folder(kernel.project) as folder:
        file = folder / "architect.json"
        file.write_text(json.dumps(data), encoding="utf-8")
        return kernel.load_spec(file).spec


def _can_only_read(kernel: Kernel, provider: str) -> bool:
    """Whether the provider can be told to change nothing."""
    from pydantic import ValidationError

    options = kernel.get("agents", provider).options
    if options is None or "permissions" not in options.model_fields:
        return False
    try:
        options.model_validate({"permissions": "read"})
    except ValidationError:
        return False
    return True


def _has_no_hands(kernel: Kernel, worker: Worker) -> bool:
    """Whether the provider touches files by the loop's tools alone, of which the architect has none."""
    from loopengt_hookspecs.models import AgentConfig, AgentRole

    config = AgentConfig(provider=worker.provider)
    try:
        agent = kernel.get("agents", worker.provider).bind(AgentRole(name="a", config=config), kernel.project)
    except Exception:  # what it lacks is said when the loop is loaded
        return False
    return getattr(agent, "takes_tools", False) is True


def _observers(kernel: Kernel) -> list[Any]:
    if "terminal" not in kernel.names("observers") or "terminal" in kernel.setting("observers", "names"):
        return []
    return [kernel.get("observers", "terminal")]


def _why(proposal: Any) -> str:
    metadata = proposal.get("metadata") if isinstance(proposal, dict) else None
    why = metadata.get("why") if isinstance(metadata, dict) else None
    return why if isinstance(why, str) else ""
