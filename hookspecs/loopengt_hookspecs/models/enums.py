"""The closed sets of values, and the built-in names of the open ones, without importing pydantic."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
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
]


class AgentCapability(StrEnum):
    """What an agent says it can do."""

    CODE_GENERATION = "code_generation"
    CODE_REVIEW = "code_review"
    PLANNING = "planning"
    RESEARCH = "research"
    TESTING = "testing"
    EVALUATION = "evaluation"
    SUMMARIZATION = "summarization"
    TOOL_USE = "tool_use"
    DECISION_MAKING = "decision_making"
    FILE_OPERATIONS = "file_operations"
    WEB_SEARCH = "web_search"
    CUSTOM = "custom"


class BackoffKind(StrEnum):
    """How the delay between attempts grows."""

    CONSTANT = "constant"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class Effects(StrEnum):
    """What executing a step a second time would do to the world."""

    NONE = "none"
    """Nothing: the step only computes or reads."""
    IDEMPOTENT = "idempotent"
    """The same as executing it once."""
    ONCE = "once"
    """Harm: after a crash with an unknown outcome the run pauses and asks."""


class OnFailure(StrEnum):
    """What follows when a gate fails."""

    RETRY = "retry"
    """Another attempt, with the gate's failure as feedback."""
    ABORT = "abort"
    """The run ends as blocked."""
    CONTINUE = "continue"
    """The failure is recorded and the run goes on."""


class OnTimeout(StrEnum):
    """What follows when nobody has answered an approval in time."""

    REJECT = "reject"
    """As if it had been rejected."""
    APPROVE = "approve"
    """As if it had been approved."""


class OnUnknownCost(StrEnum):
    """What a budget in US dollars does about an agent of which nobody knows what it costs."""

    REFUSE = "refuse"
    """The loop is refused when it is loaded, and a run ends when an attempt turns out to have no known cost."""
    ESTIMATE = "estimate"
    """Its tokens are counted, or guessed from the length of its texts, at the price of a large model."""
    TOKENS = "tokens"
    """It counts against ``max_tokens`` alone, which must be declared."""
    IGNORE = "ignore"
    """It counts as costing nothing."""


class Direction(StrEnum):
    """Which way a metric has to move."""

    UP = "up"
    DOWN = "down"


class WorkspaceKind(StrEnum):
    """The folder that a run works in."""

    AUTO = "auto"
    """A worktree where the project is a git repository with a commit, else a copy."""
    IN_PLACE = "in_place"
    """The project itself."""
    COPY = "copy"
    """A copy of the project."""
    WORKTREE = "worktree"
    """A git worktree on the branch ``loopengt/<run>``."""


class PromptEngine(StrEnum):
    """How a step's prompt template is rendered."""

    SIMPLE = "simple"
    """``{a.b}`` placeholders only."""
    MINIJINJA = "minijinja"
    """Jinja-like templates with conditionals and loops; an undefined name is an error."""


class ToolType(StrEnum):
    """Where a tool comes from."""

    MCP = "mcp"
    FUNCTION = "function"
    BUILTIN = "builtin"


class ToolAuthMethod(StrEnum):
    """How a tool's credential is sent."""

    NONE = "none"
    API_KEY = "api_key"
    BEARER = "bearer"
    OAUTH = "oauth"


class MemoryScope(StrEnum):
    """Who shares a memory."""

    RUN = "run"
    """The steps of one run."""
    LOOP = "loop"
    """All runs of loops of one name."""
    PROJECT = "project"
    """All loops of the project."""


class SessionMode(StrEnum):
    """What an agent remembers of its earlier conversations in the run."""

    FRESH = "fresh"
    """Nothing."""
    CONTINUE = "continue"
    """It goes on with its last one."""


class HandoffProtocol(StrEnum):
    """The way in which one agent hands work to another."""

    DIRECT = "direct"
    VIA_SUPERVISOR = "via_supervisor"
    BROADCAST = "broadcast"


class PatternName(StrEnum):
    """The built-in patterns; a plugin may register others, so ``LoopSpec.pattern`` is a plain string."""

    SEQUENTIAL = "sequential"
    SUPERVISOR_WORKER = "supervisor_worker"
    PARALLEL_FAN_OUT = "parallel_fan_out"
    HANDOFF = "handoff"
    EVALUATOR_OPTIMIZER = "evaluator_optimizer"
    REPEAT = "repeat"
    CUSTOM = "custom"


class GateKind(StrEnum):
    """The built-in kinds of verification gate; a plugin may register others."""

    EXPRESSION = "expression"
    COMMAND = "command"
    SCHEMA = "schema"
    JUDGE = "judge"
    APPROVAL = "approval"


class StopKind(StrEnum):
    """The built-in kinds of stop condition; a plugin may register others."""

    MAX_TURNS = "max_turns"
    GOAL_MET = "goal_met"
    QUALITY_THRESHOLD = "quality_threshold"
    TIMEOUT = "timeout"
    MANUAL = "manual"
    CUSTOM = "custom"


class TriggerType(StrEnum):
    """The known ways to start a loop; a plugin may register others."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    EVENT = "event"


class Overlap(StrEnum):
    """What becomes of an occasion that comes while a run of the loop is under way."""

    SKIP = "skip"
    QUEUE = "queue"
    PARALLEL = "parallel"


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    RETRYING = "retrying"


class EndReason(StrEnum):
    """Why a run came to rest; each reason has one status and one exit code."""

    GOAL_MET = "goal_met"
    """The stop conditions or every gate said so."""
    NOTHING_TO_DO = "nothing_to_do"
    """No step had to be executed."""
    EXHAUSTED = "exhausted"
    """A budget (turns, time, tokens, cost) ran out first."""
    NO_PROGRESS = "no_progress"
    """The same failure came back too often."""
    BLOCKED = "blocked"
    """A gate failed and allows no further attempt."""
    APPROVAL_REQUIRED = "approval_required"
    """A person has to decide; the run waits and can be resumed."""
    STOPPED = "stopped"
    """A person or a manual stop condition asked the run to end."""
    FAILED = "failed"
    """A step or the run itself failed."""
    CANCELLED = "cancelled"
    """The run was broken off and is not to be resumed."""
    INTERRUPTED = "interrupted"
    """A signal paused the run; it can be resumed."""

    @property
    def status(self) -> RunStatus:
        """The run's status when it rests for this reason."""
        return _RESTS[self][0]

    @property
    def exit_code(self) -> int:
        """The exit code of the command that drove the run."""
        return _RESTS[self][1]


_RESTS: dict[EndReason, tuple[RunStatus, int]] = {
    EndReason.GOAL_MET: (RunStatus.COMPLETED, 0),
    EndReason.NOTHING_TO_DO: (RunStatus.COMPLETED, 0),
    EndReason.EXHAUSTED: (RunStatus.FAILED, 3),
    EndReason.NO_PROGRESS: (RunStatus.FAILED, 3),
    EndReason.BLOCKED: (RunStatus.FAILED, 3),
    EndReason.APPROVAL_REQUIRED: (RunStatus.PAUSED, 4),
    EndReason.STOPPED: (RunStatus.CANCELLED, 3),
    EndReason.FAILED: (RunStatus.FAILED, 1),
    EndReason.CANCELLED: (RunStatus.CANCELLED, 130),
    EndReason.INTERRUPTED: (RunStatus.PAUSED, 130),
}


class EventType(StrEnum):
    """What a trace event tells; the part before the dot is its family."""

    LOOP_START = "loop.start"
    LOOP_COMPLETE = "loop.complete"
    LOOP_ERROR = "loop.error"
    LOOP_PAUSE = "loop.pause"
    LOOP_RESUME = "loop.resume"
    LOOP_STOP = "loop.stop"
    STEP_START = "step.start"
    STEP_COMPLETE = "step.complete"
    STEP_ERROR = "step.error"
    STEP_RETRY = "step.retry"
    AGENT_INVOKE = "agent.invoke"
    AGENT_RESPONSE = "agent.response"
    AGENT_ERROR = "agent.error"
    AGENT_PROGRESS = "agent.progress"
    """A piece of what an agent is writing; shown to observers, never recorded."""
    MODEL_REQUEST = "model.request"
    MODEL_RESPONSE = "model.response"
    MODEL_ERROR = "model.error"
    TOOL_OFFER = "tool.offer"
    """Which tools an agent may call, with their schemas in a blob."""
    TOOL_CALL = "tool.call"
    TOOL_RESULT = "tool.result"
    TOOL_ERROR = "tool.error"
    GATE_PASS = "gate.pass"
    GATE_FAIL = "gate.fail"
    JUDGE_SCORE = "judge.score"
    APPROVAL_REQUEST = "approval.request"
    APPROVAL_DECISION = "approval.decision"
    BUDGET_ADD = "budget.add"
    BUDGET_EXCEEDED = "budget.exceeded"
    PROGRESS = "progress"
    DECISION = "decision"
    CHECKPOINT_SAVE = "checkpoint.save"
    CHECKPOINT_LOAD = "checkpoint.load"
    CHECKPOINT_DELETE = "checkpoint.delete"
    HANDOFF = "handoff"
    MEMORY_READ = "memory.read"
    MEMORY_WRITE = "memory.write"
    CUSTOM = "custom"

    @property
    def family(self) -> str:
        """The part before the dot, such as ``step``; the whole name where there is no dot."""
        return self.partition(".")[0]
