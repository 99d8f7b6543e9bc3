"""Trace events, handoffs, memory entries and evaluation results."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from loopengt_hookspecs.models import (
    AgentEvent,
    EvalMetrics,
    EventType,
    HandoffContext,
    JudgeResult,
    LoopEvent,
    MemoryEntry,
    StepEvent,
    ToolEvent,
    TraceEvent,
    parse_event,
)

CONTRACT_EVENTS = """
    loop.start loop.complete loop.error loop.pause loop.resume loop.stop step.start step.complete step.error step.retry
    agent.invoke agent.progress agent.response agent.error model.request model.response model.error tool.offer
    tool.call tool.result tool.error gate.pass gate.fail judge.score
    approval.request approval.decision budget.add budget.exceeded progress decision handoff
    checkpoint.save checkpoint.load checkpoint.delete memory.read memory.write custom
"""


def test_event_types() -> None:
    """The event types are those of the contract and no other."""
    assert sorted(EventType) == sorted(CONTRACT_EVENTS.split())


def test_event_defaults() -> None:
    """An event needs only its type: it gets an id of its own and the present time in UTC."""
    before = datetime.now(UTC)
    first, second = (TraceEvent(event_type=EventType.CUSTOM) for _ in range(2))
    assert first.event_id != second.event_id
    assert len(first.event_id) == 32
    assert before <= first.timestamp <= second.timestamp
    assert first.timestamp.tzinfo is UTC
    unset = first.model_dump(exclude={"event_id", "timestamp", "event_type"})
    assert unset == {
        "run_id": "",
        "step_name": None,
        "agent_name": None,
        "tool_name": None,
        "turn": None,
        "data": {},
        "duration_seconds": None,
        "parent_event_id": None,
        "metadata": {},
    }


def test_naive_event_time_is_an_error() -> None:
    """An event's time has a zone."""
    with pytest.raises(ValidationError, match="timezone"):
        TraceEvent(event_type=EventType.CUSTOM, timestamp=datetime(2024, 1, 1))


@pytest.mark.parametrize(
    "event",
    [
        LoopEvent(event_type=EventType.LOOP_START, loop_name="tidy", pattern="repeat"),
        StepEvent(
            event_type=EventType.STEP_ERROR, step_name="mend", attempt=2, output={"a": 1}, error="boom"
        ),
        AgentEvent(event_type=EventType.AGENT_RESPONSE, model="m", prompt_tokens=3, completion_tokens=4),
        ToolEvent(event_type=EventType.TOOL_RESULT, tool_type="mcp", input_data={"q": 1}, output_data=[1]),
        TraceEvent(event_type=EventType.GATE_PASS, data={"gate": "tests"}, turn=1, duration_seconds=0.5),
        TraceEvent(event_type=EventType.HANDOFF),
    ],
    ids=lambda event: str(event.event_type),
)
def test_events_round_trip_through_json(event: TraceEvent) -> None:
    """parse_event gives back the same event, of the same class, from its JSON object."""
    parsed = parse_event(json.loads(event.model_dump_json()))
    assert parsed == event
    assert type(parsed) is type(event)


def test_event_class_holds_only_its_family() -> None:
    """A step event cannot be of a loop's type."""
    with pytest.raises(ValidationError, match="holds step events, not loop"):
        StepEvent(event_type=EventType.LOOP_START)


@pytest.mark.parametrize("data", [{}, {"event_type": "step.invented"}, {"event_type": None}])
def test_what_is_no_event_is_an_error(data: dict[str, object]) -> None:
    """An object without a known type is refused at event_type."""
    with pytest.raises(ValidationError) as caught:
        parse_event(data)
    assert [error["loc"] for error in caught.value.errors()] == [("event_type",)]


def test_handoff_context() -> None:
    """A handoff needs both agents and is direct by default."""
    handoff = HandoffContext(from_agent="a", to_agent="b")
    assert handoff.model_dump(mode="json") == {
        "from_agent": "a",
        "to_agent": "b",
        "protocol": "direct",
        "payload": {},
        "instructions": "",
        "metadata": {},
    }
    with pytest.raises(ValidationError, match="to_agent"):
        HandoffContext.model_validate({"from_agent": "a"})


def test_memory_entry_id_is_its_content_hash_when_none_is_given() -> None:
    """Equal contents without an id have the same id; a given id is kept."""
    entry = MemoryEntry(content="naïve text")
    assert entry.entry_id == hashlib.sha256("naïve text".encode()).hexdigest()
    assert MemoryEntry.model_validate_json(entry.model_dump_json()) == entry
    assert MemoryEntry(content="naïve text", entry_id="mine").entry_id == "mine"


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_judge_score_is_between_0_and_1(score: float) -> None:
    """A score that is not between 0 and 1 is no verdict."""
    with pytest.raises(ValidationError, match="score"):
        JudgeResult(judge_name="quality", score=score, passed=True)


def test_judge_result_needs_score_and_verdict() -> None:
    """A judge that does not say whether it passed has not judged."""
    with pytest.raises(ValidationError) as caught:
        JudgeResult.model_validate({"judge_name": "quality"})
    assert {error["loc"][0] for error in caught.value.errors()} == {"score", "passed"}


def test_eval_metrics_fields() -> None:
    """The metrics are those of the contract, and a rate above 1 is refused."""
    assert set(EvalMetrics.model_fields) == {
        "total_turns",
        "total_steps",
        "completed_steps",
        "failed_steps",
        "success_rate",
        "total_duration",
        "run_status",
    }
    with pytest.raises(ValidationError, match="success_rate"):
        EvalMetrics(success_rate=1.5)
