"""Events in their public shape: ids, parents, turns, and nothing that an agent's data could break."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.journal import Tracer
from loopengt_hookspecs.models import (
    AgentEvent,
    Event,
    EventType,
    LoopEvent,
    StepEvent,
    ToolEvent,
    TraceEvent,
    parse_event,
)

HEADER = {"run_id": "r", "loop": "demo", "pattern": "repeat"}
START = {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "w"}


def events(*told: tuple[str, str | None, dict[str, Any]]) -> list[Event]:
    """Number events after the beginning of a run."""
    whole = [("loop.start", None, HEADER), *told]
    return [Event(seq, kind, 1000.0 + seq, step, data) for seq, (kind, step, data) in enumerate(whole, 1)]


def convert(*told: tuple[str, str | None, dict[str, Any]]) -> list[TraceEvent]:
    """Convert events and leave the beginning out."""
    return Tracer("r").convert_all(events(*told))[1:]


def test_the_same_events_have_the_same_ids() -> None:
    """A second conversion, whole or in parts, gives the same events."""
    told = events(
        ("step.start", "a", START), ("agent.response", "a", {"output": 1}), ("step.complete", "a", START)
    )
    tracer = Tracer("r")
    parts = [*tracer.convert_all(told[:2]), *tracer.convert_all(told[2:])]
    assert parts == Tracer("r").convert_all(told)
    assert [event.event_id for event in parts] == ["r:1", "r:2", "r:3", "r:4"]


def test_events_that_are_passed_over_count_for_those_behind_them() -> None:
    """Wherever one begins to convert, what follows is as if all before it had been converted."""
    told = events(
        ("step.start", "a", START),
        ("agent.invoke", "a", {"model": "m-1", "prompt": "p"}),
        ("agent.response", "a", {"output": 1, "token_usage": {"prompt_tokens": 3}}),
        ("step.complete", "a", START),
        ("step.complete", "b", {"skipped": "a condition", "turn": 2}),
        ("step.start", "a", {**START, "turn": 3}),
        ("tool.call", "a", {"tool": "t"}),
        ("loop.complete", None, {"reason": "goal_met"}),
    )
    whole = Tracer("r").convert_all(told)
    for begin in range(len(told)):
        tracer = Tracer("r")
        tracer.pass_over(told[:begin])
        assert tracer.convert_all(told[begin:]) == whole[begin:]


def test_each_execution_has_its_own_parent() -> None:
    """What belongs to a step hangs below the start of its present execution, also among other steps."""
    found = convert(
        ("step.start", "a", START),
        ("step.start", "b", {**START, "turn": 2}),
        ("gate.pass", "a", {"gate": "g"}),
        ("step.complete", "a", START),
        ("step.start", "a", {**START, "turn": 3}),
        ("agent.error", "a", {"error": "x"}),
    )
    assert [event.parent_event_id for event in found] == ["r:1", "r:1", "r:2", "r:2", "r:1", "r:6"]
    assert [event.turn for event in found] == [1, 2, 1, 1, 3, 3]


def test_a_skipped_step_has_neither_the_output_nor_the_parent_of_its_last_lap() -> None:
    """A step that is skipped in the second lap did nothing there."""
    found = convert(
        ("step.start", "a", START),
        ("agent.response", "a", {"output": "lap one"}),
        ("step.complete", "a", START),
        ("step.complete", "a", {"turn": 2, "occurrence": 2, "skipped": "b failed"}),
    )
    assert [event.output for event in found if isinstance(event, StepEvent)] == [None, "lap one", None]
    assert (found[-1].parent_event_id, found[-1].turn) == ("r:1", 2)


@pytest.mark.parametrize("kind", list(EventType))
def test_every_type_has_the_class_of_its_family(kind: EventType) -> None:
    """Each event is of the class that the contract has for its family, and comes back from JSON the same."""
    found = convert(("step.start", "a", START), (kind.value, "a", {**HEADER, **START}))[-1]
    families = {"loop": LoopEvent, "step": StepEvent, "agent": AgentEvent, "tool": ToolEvent}
    assert type(found) is families.get(kind.family, TraceEvent)
    assert parse_event(found.model_dump(mode="json")) == found


@pytest.mark.parametrize("odd", [None, 7, "text", [1], {"a": 1}, -1.5, True])
@pytest.mark.parametrize(
    "kind", ["tool.call", "tool.result", "tool.error", "custom", "memory.read", "handoff", "judge.score"]
)
def test_whatever_an_agent_adds_can_be_shown(kind: str, odd: Any) -> None:
    """No value that an agent puts into an event of its own stops the trace."""
    keys = ("tool", "tool_type", "input", "output", "error", "duration", "turn", "model", "token_usage")
    found = convert(("step.start", "a", START), (kind, "a", dict.fromkeys(keys, odd)))[-1]
    assert found.data == dict.fromkeys(keys, odd)
    assert found.event_type == kind
