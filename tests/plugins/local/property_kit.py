"""Random loops, random agents and what must hold of every run, whatever they do and wherever it is killed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hypothesis import strategies as st

from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import EndReason, StepStatus

if TYPE_CHECKING:
    from loopengt.journal import Fold
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import Event

__all__ = ["MOST_TOKENS", "Agents", "check_end", "check_journal", "kills", "loops"]

MOST_TOKENS = 40
"""Most tokens that one attempt of the agents uses."""

PATTERNS = (
    "sequential",
    "repeat",
    "parallel_fan_out",
    "supervisor_worker",
    "handoff",
    "evaluator_optimizer",
)
KINDS = ("answer", "answer", "answer", "text", "slow", "huge", "garbage", "fails", "breaks", "hangs")
CONDITIONS = (
    "output.n >= 1",
    "output.n >= 3",
    "output.ok",
    "run.turn < 100",
    "result.token_usage.total_tokens > 9",
)
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@st.composite
def loops(draw: st.DrawFn) -> dict[str, Any]:
    """A loop of up to five steps, with gates, conditions, items, limits and stop conditions."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 5)))]
    gates = draw(st.lists(_gate(), max_size=3, unique_by=lambda gate: gate["name"]))
    pattern = draw(st.sampled_from(PATTERNS))
    if pattern == "evaluator_optimizer" and len(names) < 2:
        names.append("s1")
    steps = [
        _step(draw, name, names[:index], [gate["name"] for gate in gates]) for index, name in enumerate(names)
    ]
    role: dict[str, Any] = {"name": "worker", "config": {"provider": "scripted"}}
    if draw(st.integers(0, 5)) == 0:
        role["output_schema"] = SCHEMA
    policy: dict[str, Any] = {
        "max_turns": draw(st.integers(1, 14)),
        "max_concurrency": draw(st.integers(1, 3)),
        "fail_fast": draw(st.booleans()),
        "allow_parallel": draw(st.booleans()),
        "verification_gates": gates,
        "retry": {
            "max_retries": draw(st.integers(0, 2)),
            "initial_delay_seconds": draw(st.sampled_from([0, 0.001])),
            "jitter": draw(st.booleans()),
        },
    }
    if draw(st.booleans()):
        policy["budget"] = {"max_tokens": draw(st.integers(1, 200))}
    if draw(st.integers(0, 3)) == 0:
        policy["no_progress"] = {"max_repeats": draw(st.integers(1, 3))}
    stops = draw(
        st.lists(
            st.sampled_from(
                [
                    {"condition_type": "max_turns", "value": 3},
                    {"condition_type": "quality_threshold", "value": 0.9},
                    {"condition_type": "custom", "value": "run.turn > 5"},
                    {"condition_type": "goal_met", "value": "output.n >= 4"},
                ]
            ),
            max_size=2,
        )
    )
    return {
        "name": "random",
        "goal": "Anything.",
        "pattern": pattern,
        "agents": [role],
        "steps": steps,
        "policy": policy,
        "stop_conditions": stops,
        "context": {"things": draw(st.lists(st.integers(0, 9), max_size=3))},
    }


@st.composite
def _gate(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(["g0", "g1", "g2"]))
    on_failure = draw(st.sampled_from(["retry", "retry", "abort", "continue"]))
    if draw(st.integers(0, 3)) == 0:
        return {"name": name, "kind": "schema", "schema": SCHEMA, "on_failure": on_failure}
    return {"name": name, "condition": draw(st.sampled_from(CONDITIONS)), "on_failure": on_failure}


def _step(draw: st.DrawFn, name: str, before: list[str], gates: list[str]) -> dict[str, Any]:
    step: dict[str, Any] = {
        "name": name,
        "agent": "worker",
        "prompt_template": "Work.{feedback}",
        "timeout_seconds": 0.05,
        "allow_retry": draw(st.booleans()),
        "verification_gates": draw(st.lists(st.sampled_from(gates), max_size=2, unique=True))
        if gates
        else [],
    }
    if before:
        chosen = draw(st.lists(st.sampled_from(before), max_size=2, unique=True))
        condition = draw(st.sampled_from([None, None, "output.n >= 1", "output.ok or output.n > 0"]))
        step["dependencies"] = [{"step_name": other, "condition": condition} for other in chosen]
    if draw(st.integers(0, 4)) == 0:
        step["for_each"] = "context.things"
    if draw(st.integers(0, 7)) == 0:
        step["effects"] = "once"
    return step


def kills() -> st.SearchStrategy[list[tuple[int, bool]]]:
    """Moments at which processes die: the n-th append each makes, and whether it still becomes durable."""
    return st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=3)


@dataclass
class Agents:
    """Agents that answer, fail, hang or talk nonsense, always the same to the same request."""

    seed: int
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    """Step, occurrence and attempt of each call of this life of the run."""
    options: None = None

    def bind(self, role: Any, project: Any) -> Agents:
        """Serve every role."""
        return self

    def plan(self) -> str:
        """Say nothing of use."""
        return "anything"

    def missing(self) -> list[Any]:
        """Nothing."""
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Do what the request's number says."""
        self.calls.append((request.step, request.occurrence, request.attempt))
        number = crc32(f"{self.seed}/{request.step}/{request.occurrence}/{request.attempt}".encode())
        kind = KINDS[number % len(KINDS)]
        small = number // len(KINDS)
        if kind == "slow":
            for _ in range(small % 7):
                await asyncio.sleep(0)
        if kind == "hangs":
            await asyncio.sleep(60)
        if kind == "fails":
            raise AgentError("it failed", kind="TimeoutError")
        if kind == "breaks":
            raise RuntimeError("it broke")
        if kind == "garbage":
            return AgentReply({1, 2})
        output: Any = {
            "n": small % 6,
            "ok": small % 3 == 0,
            "score": small % 11 / 10,
            "next_step": f"s{small % 4}" if small % 5 else None,
            "done": small % 17 == 0,
        }
        if kind == "text":
            output = f"words {small % 9}"
        if kind == "huge":
            output["text"] = "x" * 70_000
        return AgentReply(
            output, {"total_tokens": small % (MOST_TOKENS + 1)}, cost_usd=0.0, cost_source="reported"
        )


def check_journal(events: list[Event]) -> None:
    """No execution is lost or doubled, and nothing is written behind its end."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    ended: set[tuple[str | None, int]] = set()
    for event in events:
        if event.type in ("step.complete", "step.error"):
            key = event.step, event.data["occurrence"]
            assert key not in ended, f"{key} ended twice"
            ended.add(key)
        elif event.type == "step.start":
            assert (event.step, event.data["occurrence"]) not in ended, (
                "an execution that had ended began again"
            )


def check_end(spec: dict[str, Any], result: RunResult, fold: Fold, events: list[Event]) -> None:
    """The run kept its limits, is what its journal says, and did not succeed without its gates."""
    policy = spec["policy"]
    assert fold.turn <= policy["max_turns"]
    most = policy.get("budget", {}).get("max_tokens")
    if most is not None:
        assert fold.tokens <= most + MOST_TOKENS * policy["max_concurrency"]
    state = result.snapshot().model_dump(exclude={"history"})
    assert state == fold.snapshot().model_dump(exclude={"history"})
    if result.end.reason is EndReason.GOAL_MET:
        assert not fold.failures
        _check_gates(spec, events)
        early = {stop["condition_type"] for stop in spec["stop_conditions"]} & {
            "quality_threshold",
            "goal_met",
        }
        if not early and spec["pattern"] not in ("supervisor_worker", "handoff", "evaluator_optimizer"):
            done = (StepStatus.COMPLETED, StepStatus.SKIPPED)
            assert all(fold.steps[step["name"]].status in done for step in spec["steps"])


def _check_gates(spec: dict[str, Any], events: list[Event]) -> None:
    """At the last completion of each step, every gate of the step had passed at that attempt."""
    gates = {step["name"]: set(step["verification_gates"]) for step in spec["steps"]}
    passed: dict[str, set[str]] = {}
    last: dict[str, set[str]] = {}
    for event in events:
        step = event.step or ""
        if event.type in ("step.start", "step.retry"):
            passed[step] = passed.get(step, set()) if event.type == "step.start" else set()
        elif event.type == "gate.pass":
            passed.setdefault(step, set()).add(event.data["gate"])
        elif event.type == "gate.fail":
            passed.setdefault(step, set()).discard(event.data["gate"])
        elif event.type == "step.complete" and "skipped" not in event.data and "items" not in event.data:
            last[step] = passed.pop(step, set())
    for step, known in last.items():
        missing = gates[step.partition("[")[0]] - known
        assert not missing, f"the run succeeded though {missing} of {step} had not passed"
