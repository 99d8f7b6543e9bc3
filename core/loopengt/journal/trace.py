"""Turns journal entries into the public TraceEvent shape, with parents, turns and durations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from loopengt_hookspecs.models import AgentEvent, Event, LoopEvent, StepEvent, ToolEvent, TraceEvent

__all__ = ["Tracer"]


class Tracer:
    """Converts the events of one run, in order.

    Event ids are made of the run's id and the position in the journal, so that a second conversion gives the same
    ids.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._root: str | None = None
        self._header: dict[str, Any] = {}
        self._steps: dict[str, _StepContext] = {}

    def convert_all(self, events: Iterable[Event]) -> list[TraceEvent]:
        """Convert events, in order."""
        return [self.convert(event) for event in events]

    def pass_over(self, events: Iterable[Event]) -> None:
        """Take note of events that nobody wants to see, but to which later ones refer."""
        for event in events:
            if event.type == "loop.start":
                self._begin(self._id_of(event), event.data)
            elif event.step is not None:
                self._locate(event, self._id_of(event), {})
                if event.type.startswith("agent."):
                    self._hear(event.step, event.data)

    def convert(self, event: Event) -> TraceEvent:
        """Convert the next event."""
        kind, data = event.type, event.data
        event_id = self._id_of(event)
        # One dict, validated as it stands: keyword arguments would be packed and unpacked again for each event.
        fields: dict[str, Any] = {
            "event_id": event_id,
            "event_type": kind,
            "timestamp": datetime.fromtimestamp(event.at, UTC),
            "run_id": self._run_id,
            "data": data,
            "duration_seconds": _duration(data.get("duration")),
        }
        family = kind.partition(".")[0]
        if family == "loop":
            return self._loop(kind, data, fields)
        fields["parent_event_id"] = self._root
        if event.step is not None:
            self._locate(event, event_id, fields)
        if family == "step":
            return self._step(event, fields)
        if family == "agent":
            return self._agent(data, fields)
        if family == "tool":
            given = data.get("input", {})
            fields["tool_name"] = _text(data.get("tool"))
            fields["tool_type"] = _text(data.get("tool_type")) or ""
            fields["input_data"] = given if isinstance(given, dict) else {"input": given}
            fields["output_data"] = data.get("output")
            fields["error"] = _text(data.get("error"))
            return ToolEvent.model_validate(fields)
        return TraceEvent.model_validate(fields)

    def _id_of(self, event: Event) -> str:
        return f"{self._run_id}:{event.seq}"

    def _begin(self, event_id: str, data: dict[str, Any]) -> None:
        self._root, self._header = event_id, data

    def _loop(self, kind: str, data: dict[str, Any], fields: dict[str, Any]) -> TraceEvent:
        if kind == "loop.start":
            self._begin(fields["event_id"], data)
            fields["parent_event_id"] = _text(data.get("parent_event"))  # the step that a child run does
        else:
            fields["parent_event_id"] = self._root
        fields["loop_name"] = self._header.get("loop", "")
        fields["pattern"] = self._header.get("pattern", "")
        return LoopEvent.model_validate(fields)

    def _locate(self, event: Event, event_id: str, fields: dict[str, Any]) -> None:
        name = event.step or ""
        fields["step_name"] = name
        if event.data.get("skipped"):  # it never began
            fields["turn"] = event.data.get("turn")
            self._steps.pop(name, None)
            return
        context = self._steps.get(name)
        if event.type == "step.start":
            context = self._steps[name] = _StepContext(event_id, event.data)
        elif context is not None:
            fields["parent_event_id"] = context.event_id
        if context is not None:
            fields["turn"] = context.turn
            fields["agent_name"] = context.agent

    def _step(self, event: Event, fields: dict[str, Any]) -> TraceEvent:
        context = self._steps.get(event.step or "")
        data = event.data
        fields["attempt"] = data.get("attempt") or 1
        if context is not None and event.type == "step.complete":
            fields["output"] = context.output
        fields["error"] = data.get("error") or data.get("reason")
        return StepEvent.model_validate(fields)

    def _agent(self, data: dict[str, Any], fields: dict[str, Any]) -> TraceEvent:
        context = self._hear(fields.get("step_name") or "", data)
        usage = data.get("token_usage")
        if usage:
            fields["prompt_tokens"] = usage.get("prompt_tokens", 0)
            fields["completion_tokens"] = usage.get("completion_tokens", 0)
        fields["model"] = context.model if context is not None else data.get("model", "")
        return AgentEvent.model_validate(fields)

    def _hear(self, step: str, data: dict[str, Any]) -> _StepContext | None:
        context = self._steps.get(step)
        if context is not None:
            context.output = data.get("output", context.output)
            context.model = data.get("model", context.model)
        return context


def _duration(value: Any) -> float | None:
    # Agents add events, too, and may put anything there.
    return value if isinstance(value, int | float) and value >= 0 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) or value is None else str(value)


class _StepContext:
    """What later events of the same execution refer to."""

    __slots__ = ("agent", "event_id", "model", "output", "turn")

    def __init__(self, event_id: str, data: dict[str, Any]) -> None:
        self.event_id = event_id
        self.turn: int | None = data.get("turn")
        self.agent: str | None = data.get("agent")
        self.output: Any = None
        self.model = ""
