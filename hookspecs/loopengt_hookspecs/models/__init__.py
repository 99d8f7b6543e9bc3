"""The contract's data models: the spec, the state of a run, its events and verdicts.

Names are imported on first use, so that the enums can be had without pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt_hookspecs.models._base import Declarative, Model, as_utc, utc_now
    from loopengt_hookspecs.models.agents import AgentConfig, AgentPrice, AgentRole, RetryConfig
    from loopengt_hookspecs.models.enums import (
        AgentCapability,
        BackoffKind,
        Direction,
        Effects,
        EndReason,
        EventType,
        GateKind,
        HandoffProtocol,
        MemoryScope,
        OnFailure,
        OnTimeout,
        OnUnknownCost,
        Overlap,
        PatternName,
        PromptEngine,
        RunStatus,
        SessionMode,
        StepStatus,
        StopKind,
        ToolAuthMethod,
        ToolType,
        TriggerType,
        WorkspaceKind,
    )
    from loopengt_hookspecs.models.evals import (
        DEFAULT_THRESHOLD,
        Aggregate,
        EvalMetrics,
        JudgeResult,
        JudgeSpec,
        NamedJudge,
    )
    from loopengt_hookspecs.models.events import End, Event
    from loopengt_hookspecs.models.handoff import HandoffConfig, HandoffContext
    from loopengt_hookspecs.models.mcp import McpServer
    from loopengt_hookspecs.models.memory import MemoryEntry, MemoryRead, MemoryWrite, StepMemory, content_id
    from loopengt_hookspecs.models.policy import (
        Budget,
        NoProgress,
        Policy,
        ProgressMetric,
        RetryPolicy,
        RunBudget,
        VerificationGate,
    )
    from loopengt_hookspecs.models.spec import LoopSpec, LoopTrigger, OutputSchema, StopCondition
    from loopengt_hookspecs.models.state import AgentState, CheckpointData, LoopState, StepResult, StepState
    from loopengt_hookspecs.models.steps import StepDependency, StepSpec
    from loopengt_hookspecs.models.tools import ToolAuth, ToolSpec
    from loopengt_hookspecs.models.trace import (
        AgentEvent,
        LoopEvent,
        StepEvent,
        ToolEvent,
        TraceEvent,
        parse_event,
    )
    from loopengt_hookspecs.models.triggers import TriggerOptions

__all__ = [
    "DEFAULT_THRESHOLD",
    "AgentCapability",
    "AgentConfig",
    "AgentEvent",
    "AgentPrice",
    "AgentRole",
    "AgentState",
    "Aggregate",
    "BackoffKind",
    "Budget",
    "CheckpointData",
    "Declarative",
    "Direction",
    "Effects",
    "End",
    "EndReason",
    "EvalMetrics",
    "Event",
    "EventType",
    "GateKind",
    "HandoffConfig",
    "HandoffContext",
    "HandoffProtocol",
    "JudgeResult",
    "JudgeSpec",
    "LoopEvent",
    "LoopSpec",
    "LoopState",
    "LoopTrigger",
    "McpServer",
    "MemoryEntry",
    "MemoryRead",
    "MemoryScope",
    "MemoryWrite",
    "Model",
    "NamedJudge",
    "NoProgress",
    "OnFailure",
    "OnTimeout",
    "OnUnknownCost",
    "OutputSchema",
    "Overlap",
    "PatternName",
    "Policy",
    "ProgressMetric",
    "PromptEngine",
    "RetryConfig",
    "RetryPolicy",
    "RunBudget",
    "RunStatus",
    "SessionMode",
    "StepDependency",
    "StepEvent",
    "StepMemory",
    "StepResult",
    "StepSpec",
    "StepState",
    "StepStatus",
    "StopCondition",
    "StopKind",
    "ToolAuth",
    "ToolAuthMethod",
    "ToolEvent",
    "ToolSpec",
    "ToolType",
    "TraceEvent",
    "TriggerOptions",
    "TriggerType",
    "VerificationGate",
    "WorkspaceKind",
    "as_utc",
    "content_id",
    "parse_event",
    "utc_now",
]

_MODULES = {
    "_base": ("Declarative", "Model", "as_utc", "utc_now"),
    "agents": ("AgentConfig", "AgentPrice", "AgentRole", "RetryConfig"),
    "enums": (
        "AgentCapability",
        "BackoffKind",
        "Direction",
        "Effects",
        "EndReason",
        "EventType",
        "GateKind",
        "HandoffProtocol",
        "MemoryScope",
        "OnFailure",
        "OnTimeout",
        "OnUnknownCost",
        "Overlap",
        "PatternName",
        "PromptEngine",
        "RunStatus",
        "SessionMode",
        "StepStatus",
        "StopKind",
        "ToolAuthMethod",
        "ToolType",
        "TriggerType",
        "WorkspaceKind",
    ),
    "evals": ("DEFAULT_THRESHOLD", "Aggregate", "EvalMetrics", "JudgeResult", "JudgeSpec", "NamedJudge"),
    "events": ("End", "Event"),
    "handoff": ("HandoffConfig", "HandoffContext"),
    "mcp": ("McpServer",),
    "memory": ("MemoryEntry", "MemoryRead", "MemoryWrite", "StepMemory", "content_id"),
    "policy": (
        "Budget",
        "NoProgress",
        "Policy",
        "ProgressMetric",
        "RetryPolicy",
        "RunBudget",
        "VerificationGate",
    ),
    "spec": ("LoopSpec", "LoopTrigger", "OutputSchema", "StopCondition"),
    "state": ("AgentState", "CheckpointData", "LoopState", "StepResult", "StepState"),
    "steps": ("StepDependency", "StepSpec"),
    "tools": ("ToolAuth", "ToolSpec"),
    "trace": ("AgentEvent", "LoopEvent", "StepEvent", "ToolEvent", "TraceEvent", "parse_event"),
    "triggers": ("TriggerOptions",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: its names are in __all__")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
