"""The events of a run, as traces, observers and ``run --json`` show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self
from uuid import uuid4

from pydantic import Field, model_validator

from loopengt_hookspecs.models._base import Declarative, OpenDict, UtcDatetime, utc_now
from loopengt_hookspecs.models.enums import EventType

__all__ = ["AgentEvent", "LoopEvent", "StepEvent", "ToolEvent", "TraceEvent", "parse_event"]


def _new_id() -> str:
    return uuid4().hex


class TraceEvent(Declarative):
    """One thing that happened in a run."""

    family: ClassVar[str | None] = None
    """The family of event types that the class is for; None: any."""

    event_id: str = Field(default_factory=_new_id, description="Id of the event.")
    event_type: EventType = Field(description="What happened.")
    timestamp: UtcDatetime = Field(default_factory=utc_now, description="When it happened.")
    run_id: str = Field(default="", description="Id of the run.")
    step_name: str | None = Field(default=None, description="Step that it belongs to.")
    agent_name: str | None = Field(default=None, description="Agent that it belongs to.")
    tool_name: str | None = Field(default=None, description="Tool that it belongs to.")
    turn: int | None = Field(default=None, ge=0, description="Turn in which it happened.")
    data: OpenDict = Field(default_factory=dict, description="Details that depend on the type.")
    duration_seconds: float | None = Field(default=None, ge=0, description="Seconds that it took.")
    parent_event_id: str | None = Field(default=None, description="Event within which it happened.")
    metadata: OpenDict = Field(default_factory=dict, description="Anything else that is known of it.")

    @model_validator(mode="after")
    def _is_of_the_family(self) -> Self:
        if self.family is not None and self.event_type.family != self.family:
            raise ValueError(
                f"{type(self).__name__} holds {self.family} events, not {self.event_type.value}: "
                "use parse_event"
            )
        return self


class LoopEvent(TraceEvent):
    """The run as a whole began, rested, went on or ended."""

    family: ClassVar[str | None] = "loop"

    loop_name: str = Field(default="", description="Name of the loop.")
    pattern: str = Field(default="", description="Pattern of the loop.")


class StepEvent(TraceEvent):
    """A step began, ended, failed or is tried again."""

    family: ClassVar[str | None] = "step"

    attempt: int = Field(default=1, ge=1, description="Attempt, counted from 1.")
    output: Any = Field(default=None, description="The step's output.")
    error: str | None = Field(default=None, description="What went wrong; null: nothing.")


class AgentEvent(TraceEvent):
    """An agent was called, answered or failed."""

    family: ClassVar[str | None] = "agent"

    model: str = Field(default="", description="Model that the provider used.")
    prompt_tokens: int = Field(default=0, ge=0, description="Tokens sent.")
    completion_tokens: int = Field(default=0, ge=0, description="Tokens received.")


class ToolEvent(TraceEvent):
    """A tool was called, returned or failed."""

    family: ClassVar[str | None] = "tool"

    tool_type: str = Field(default="", description="Where the tool comes from: mcp, function or builtin.")
    input_data: OpenDict = Field(default_factory=dict, description="What the tool was called with.")
    output_data: Any = Field(default=None, description="What the tool returned.")
    error: str | None = Field(default=None, description="What went wrong; null: nothing.")


_BY_FAMILY: dict[str, type[TraceEvent]] = {
    "agent": AgentEvent,
    "loop": LoopEvent,
    "step": StepEvent,
    "tool": ToolEvent,
}


def parse_event(data: Mapping[str, Any]) -> TraceEvent:
    """The event that a JSON object stands for, as the class of its family.

    Raises:
        pydantic.ValidationError: The object is not an event.
    """
    family = str(data.get("event_type", "")).partition(".")[0]
    return _BY_FAMILY.get(family, TraceEvent).model_validate(dict(data))
