"""Every pattern comes to the same end from every prefix of its journal, and repeats no completed step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from loopengt.testing import loop_spec
from loopengt_hookspecs.agents import AgentReply

Bench = Any

AGENTS = [{"name": name, "config": {"provider": "scripted"}} for name in ("worker", "other")]
POLICY = {"retry": {"initial_delay_seconds": 0, "max_retries": 2}}
GATES = [
    {"name": "second", "condition": "result.metadata.attempt >= 2"},
    {"name": "noted", "condition": "true", "on_failure": "continue"},
    {"name": "third", "condition": "output.score >= 1"},
]
SAYS: dict[tuple[str, int], dict[str, Any]] = {
    ("boss", 1): {"next_step": "nobody"},
    ("boss", 2): {"next_step": "b", "instructions": "begin"},
    ("boss", 3): {"next_worker": "other"},
    ("giver", 1): {"handoff_to": "nobody"},
    ("giver", 2): {"handoff": {"to_step": "c", "payload": {"n": 1}}},
    ("c", 1): {"handoff_to": "giver"},
    ("first", 1): {"handoff": {"payload": {"n": 2}, "instructions": "all of you"}},
}
"""What a step says at an occurrence, beside what every step says."""


async def answer(request: Any) -> AgentReply:
    """Answer after a few rounds of the event loop; a step called ``shaky`` fails at its first attempt."""
    for _ in range(sum(map(ord, request.step)) % 4):
        await asyncio.sleep(0)
    if request.step == "shaky" and request.attempt == 1:
        raise ConnectionError("the line is down")
    said = SAYS.get((request.step, request.occurrence), {})
    output = {"place": f"{request.step}-{request.occurrence}", "score": request.occurrence / 3, **said}
    return AgentReply(
        output,
        {"total_tokens": 7},
        metadata={"attempt": request.attempt},
        cost_usd=0.0,
        cost_source="reported",
    )


def step(name: str, *dependencies: Any, **fields: Any) -> dict[str, Any]:
    """Declare a step whose prompt shows all that a pattern tells it."""
    prompt = "{handoff} {feedback} {lap} {item}"
    return {"name": name, "dependencies": list(dependencies), "prompt_template": prompt, **fields}


def make(pattern: str, *steps: Any, policy: Any = None, **fields: Any) -> dict[str, Any]:
    """Make a spec with all gates."""
    merged = {**POLICY, "verification_gates": GATES, "max_turns": 60, **(policy or {})}
    return loop_spec(*steps, agents=AGENTS, pattern=pattern, policy=merged, **fields)


def graph() -> list[dict[str, Any]]:
    """A graph with a condition that does not hold, a retried gate, an error that passes and items."""
    return [
        step("end", "each", "shaky"),
        step("start"),
        step("each", "start", for_each="[1, 2, 3]"),
        step("shaky", "start"),
        step("gated", "start", verification_gates=["second", "noted"]),
        step("never", {"step_name": "start", "condition": "output.score > 1"}),
        step("after", "never", "gated"),
    ]


LOOPS: dict[str, Callable[[], dict[str, Any]]] = {
    "sequential": lambda: make("sequential", *graph()),
    "sequential, in parallel": lambda: make("sequential", *graph(), policy={"allow_parallel": True}),
    "parallel_fan_out": lambda: make("parallel_fan_out", *graph()),
    "parallel_fan_out, two at a time": lambda: make("parallel_fan_out", *graph(), policy={"max_concurrency": 2}),
    "supervisor_worker": lambda: make(
        "supervisor_worker", step("boss"), step("shaky"), step("b", "shaky"), step("c", agent="other"), step("d")
    ),
    "handoff, direct": lambda: make(
        "handoff", step("giver"), step("b", for_each="[1, 2]"), step("c", "b", agent="other"), step("shaky")
    ),
    "handoff, via_supervisor": lambda: make(
        "handoff",
        step("boss"),
        step("b", "shaky"),
        step("shaky"),
        step("c", agent="other"),
        handoff={"protocol": "via_supervisor"},
    ),
    "handoff, broadcast": lambda: make(
        "handoff", step("first"), step("shaky"), step("b", "shaky"), step("d"), handoff={"protocol": "broadcast"}
    ),
    "evaluator_optimizer": lambda: make(
        "evaluator_optimizer", step("judge", "draft"), step("polish", "draft"), step("draft"), step("shaky")
    ),
    "repeat": lambda: make(
        "repeat", step("edit"), step("each", "edit", for_each="[1, 2]"), step("test", verification_gates=["third"])
    ),
}  # fmt: skip


@pytest.mark.parametrize("slow", [False, True], ids=["", "slow"])
@pytest.mark.parametrize("name", LOOPS)
async def test_every_prefix_of_the_journal_is_resumed(bench: Bench, name: str, slow: bool) -> None:
    """After a crash behind any append the run ends as the undisturbed one, with the same prompts and outputs."""
    result, times = await bench.resume_everywhere(LOOPS[name](), answer, slow=slow)
    assert result.end.reason == "goal_met", result.end
    assert times >= 8


async def test_a_resumed_handoff_is_not_recorded_twice(bench: Bench) -> None:
    """The transfers of the resumed run are those of the first, which it takes from the journal."""
    whole, _ = await bench.resume_everywhere(LOOPS["handoff, direct"](), answer)
    pairs = [
        (event.data["metadata"]["from_step"], event.data["metadata"]["to_step"])
        for event in await bench.events(whole, "handoff")
    ]
    assert pairs == [("giver", "b"), ("b", "c"), ("c", "giver"), ("giver", "b"), ("b", "c"), ("c", "shaky")]
