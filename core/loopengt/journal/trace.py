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

    def convert(self, event: Event) -> TraceEvent:
        """Convert the next event."""
        kind, data = event.type, event.data
        event_id = f"{self._run_id}:{event.seq}"
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
            return ToolEvent(
                **fields,
                tool_name=_text(data.get("tool")),
                tool_type=_text(data.get("tool_type")) or "",
                input_data=given if isinstance(given, dict) else {"input": given},
                output_data=data.get("output"),
                error=_text(data.get("error")),
            )
        return TraceEvent(**fields)

    def _loop(self, kind: str, data: dict[str, Any], fields: dict[str, Any]) -> TraceEvent:
        if kind == "loop.start":
            self._root = fields["event_id"]
            self._header = data
            fields["parent_event_id"] = _text(data.get("parent_event"))  # the step that a child run does
        else:
            fields["parent_event_id"] = self._root
        return LoopEvent(
            **fields, loop_name=self._header.get("loop", ""), pattern=self._header.get("pattern", "")
        )

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
        output = context.output if context is not None and event.type == "step.complete" else None
        return StepEvent(
            **fields,
            attempt=data.get("attempt") or 1,
            output=output,
            error=data.get("error") or data.get("reason"),
        )

    def _agent(self, data: dict[str, Any], fields: dict[str, Any]) -> TraceEvent:
        context = self._steps.get(fields.get("step_name") or "")
        if context is not None:
            context.output = data.get("output", context.output)
            context.model = data.get("model", context.model)
        usage = data.get("token_usage") or {}
        return AgentEvent(
            **fields,
            model=context.model if context is not None else data.get("model", ""),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
        )


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
