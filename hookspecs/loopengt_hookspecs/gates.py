"""Extension point: gates, the checks that the engine itself makes on a step's work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt_hookspecs.agents import Agent, AgentReply
    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import AgentRole, JudgeResult, StepResult, VerificationGate
    from loopengt_hookspecs.registration import Register


class InvokeAgent(Protocol):
    """Invokes an agent that a gate has bound.

    The answer is durable before it is returned, and what it costs is debited to the run and the step. A check that is
    made again, after a crash, gets the recorded answers to the same prompts in the same order.
    """

    async def __call__(
        self, agent: Agent, role: AgentRole, prompt: str, system_prompt: str = ""
    ) -> AgentReply:
        """Invoke it in an empty folder of its own.

        Args:
            agent: The agent, bound by its provider.
            role: The role that it was bound to.
            prompt: What it is asked.
            system_prompt: Its standing instructions.

        Raises:
            AgentError: It failed.
        """


def _no_engine(*_: Any) -> NoReturn:
    raise TypeError("a gate can invoke agents where an engine makes the request; give GateRequest invoke=…")


@dataclass(slots=True)
class GateRequest:
    """One check of one attempt. Read it; do not change it."""

    run_id: str
    step: str
    attempt: int
    result: StepResult
    """The step's result that is being checked."""
    workspace: Path
    """The folder the step worked in; a gate that runs a program runs it there."""
    idempotency_key: str
    """The key of the attempt that is being checked."""
    scope: Callable[[], Mapping[str, Any]]
    """Makes the names that expressions see: output, result, steps, context, run."""
    put_blob: Callable[[bytes], Awaitable[str]]
    """Stores bytes that are too large for the journal and returns their digest."""
    goal: str = ""
    """The loop's goal."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """The run's context, plain JSON data."""
    invoke: InvokeAgent = field(default=cast("InvokeAgent", _no_engine))
    """Invokes an agent, for a gate that asks one."""


@dataclass(slots=True)
class Question:
    """What a person is asked before a gate can tell."""

    text: str
    timeout_seconds: float | None = None
    """Seconds after which nobody is waited for any more; None: for ever."""
    approve_on_timeout: bool = False


@dataclass(slots=True)
class GateVerdict:
    """What a gate found."""

    passed: bool
    feedback: str = ""
    """Why not, in words that help the next attempt; it becomes ``{feedback}``."""
    proof: dict[str, Any] = field(default_factory=dict)
    """Evidence for the record: what ran, exit code, output tail, the value of an expression."""
    scores: Sequence[JudgeResult] = ()
    """What judges said; each becomes a ``judge.score`` event."""
    question: Question | None = None
    """Asks a person, whose answer then is the verdict; the run pauses until there is one."""


class Gate(Protocol):
    """A gate of a loop, bound to its declaration.

    One that looks at the workspace alone, not at what the agent says, has an attribute ``checks_workspace`` that is
    true: while it fails, other words of the agent are no progress.
    """

    pure: bool
    """True when a check has no effect and costs nothing to repeat: the engine may then write the step's
    result and the verdict in one commit."""

    def plan(self) -> str:
        """Say in one line what a check would execute, for ``run --dry-run``."""

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for the gate; each names the command that mends it."""

    async def check(self, request: GateRequest) -> GateVerdict:
        """Check one attempt.

        Gates fail closed: an exception raised here is a failed verdict with the exception's text, never a
        pass. Cancelled like an agent when a timeout strikes.
        """


class GateKind(Protocol):
    """Makes gates of one kind. ``kind`` of a verification gate in a spec names it."""

    def bind(self, gate: VerificationGate, project: Path) -> Gate:
        """Make the gate, once for a loop; its runs share it.

        Args:
            gate: The gate as declared in the spec.
            project: The project folder.
        """


@hookspec
def loopengt_register_gates(register: Register[GateKind]) -> None:
    """Register kinds of gates.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``kind`` says, the target a
            ``GateKind``.

    Raises:
        PluginError: Another plugin registers a kind of the same name.

    Since: 0.2
    """
