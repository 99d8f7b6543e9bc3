"""Extension point: engines, which drive a run from its first event to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.models import End, LoopSpec, LoopState
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Observer

UnknownOutcome = Literal["ask", "done", "retry", "fail"]
UnknownOutcomes: TypeAlias = "UnknownOutcome | Mapping[str, UnknownOutcome]"


@dataclass(slots=True)
class RunRequest:
    """A run to start."""

    spec: LoopSpec
    source: Path | None = None
    """The file the spec came from."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Names that override the spec's context, JSON data."""
    in_place: bool = False
    """Work on the project's own files, whatever the spec's ``workspace`` says."""
    workspace: Literal["copy", "empty"] | None = None
    """Work in a copy of the project, or in a folder without its files, whatever the spec says; None: as it says."""
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    """Files that the workspace has from the start, by their relative paths: the content, or the file to copy. They take
    the place of the project's. Only together with ``workspace``."""
    without: Collection[str] = ()
    """Relative paths of the project's files that a copy does not get. Only together with ``workspace``."""
    observers: Sequence[Observer] = ()
    run_id: str | None = None
    """Id of the run; None: a new one is made."""
    middleware: Sequence[Middleware] = ()
    """Stands around every attempt of this run, those of its child runs too, outside the configured middleware; the
    first is the outermost."""


@dataclass(slots=True)
class ResumeRequest:
    """A run to take up again."""

    run_id: str
    observers: Sequence[Observer] = ()
    unknown_outcome: UnknownOutcomes = "ask"
    """What to assume of a step with ``effects: once`` that was under way when the run was lost: it was
    done, is to be executed again, or failed; ask: pause for a person. One word answers for the only such step; where
    there are more, a mapping answers for each by its name, since one may have been done and another not."""
    add_budget: Mapping[str, float] = field(default_factory=dict)
    """What to add to the run's limits: ``turns``, ``seconds``, ``tokens``, ``cost_usd``. A run that is exhausted goes
    on with it."""
    spec: LoopSpec | None = None
    """The loop as it is now. When it differs from the one that the run goes by, the run is refused, unless
    ``accept_spec``; None: it is not compared."""
    accept_spec: bool = False
    """Go on by ``spec`` from here."""
    middleware: Sequence[Middleware] = ()
    """As in ``RunRequest``; what the run was started with does not stay with it."""


@dataclass(slots=True)
class ForkRequest:
    """A new run that shares the journal of another up to some place."""

    run_id: str
    """The run that is forked."""
    at: str
    """Where: a step (before its first execution), ``STEP#N`` (before its N-th), or the id of a checkpoint."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Names that override the run's context, JSON data."""
    spec: LoopSpec | None = None
    """The loop to go on by; None: that of the run."""
    source: Path | None = None
    """The file that the spec came from."""
    observers: Sequence[Observer] = ()
    fork_id: str | None = None
    """Id of the new run; None: a new one is made."""


@dataclass(slots=True)
class PlannedTool:
    """A tool that a step's agent may call."""

    tool: str
    executes: str
    effects: str = ""
    """What calling it a second time does, as the loop declares it; empty: as the tool itself says."""
    approval: bool = False
    """Whether a person is asked before each call."""


@dataclass(slots=True)
class PlannedStep:
    """What a run would execute for one step."""

    step: str
    agent: str
    provider: str
    executes: str
    gates: list[str] = field(default_factory=list)
    """What each gate would execute, as ``name: command``."""
    missing: list[str] = field(default_factory=list)
    """What this machine lacks for the step, with the command that mends it."""
    steps: list[PlannedStep] = field(default_factory=list)
    """The steps of the loop that the step runs, when it has no agent."""
    tools: list[PlannedTool] = field(default_factory=list)
    """What its agent may call."""
    declares: list[str] = field(default_factory=list)
    """What it says of memory, of the size of its context and of its session, as ``key: value``."""


@dataclass(slots=True)
class RunResult:
    """How a run ended, or where it paused."""

    run_id: str
    end: End
    snapshot: Callable[[], LoopState] = field(repr=False)
    """Makes the state of the run at its end."""
    output: Any = None
    """The output of the last completed step."""
    workspace: Path | None = None
    workspace_kind: str = ""
    """How the workspace was made, as the engine calls it; the local one: in_place, worktree or copy."""
    workspace_branch: str = ""
    """Git branch of the workspace, when it has one of its own."""
    questions: Sequence[Mapping[str, Any]] = ()
    """What a person is asked (data of ``approval.request`` events), oldest first."""
    tokens: int = 0
    cost_usd: float = 0.0
    unknown_costs: int = 0
    """Agent calls whose cost nobody knows; ``cost_usd`` is without them."""
    notes: Sequence[str] = ()
    """What a person should know of the run beside how it ended, a sentence each."""
    elapsed: float = 0.0
    """Seconds that the run was driven, pauses left out."""
    can_resume: bool = False
    """Whether ``resume`` would go on with it: it is paused, or failed for want of something mendable."""


class Engine(Protocol):
    """Drives runs. The one named in ``[engine] name`` of config.toml is used, default ``local``."""

    def plan(self, request: RunRequest) -> list[PlannedStep]:
        """Say what a run would execute, without executing anything."""

    def check(self, spec: LoopSpec) -> None:
        """Refuse a loop that this engine cannot run as it is declared. Nothing of the loop is imported or executed.

        What this machine merely lacks, such as a program or a key, is no reason to refuse it. The loops below it are
        not looked at: each is checked by itself.

        Raises:
            LoopRefused: It names all that is declared and would not be enforced, each with its place in the spec.
        """

    async def start(self, request: RunRequest) -> RunResult:
        """Start a run and drive it until it ends or pauses.

        Raises:
            UsageError: The spec asks for something that this engine cannot do.
            StorageError: The journal cannot be written.
        """

    async def resume(self, request: ResumeRequest) -> RunResult:
        """Take a paused, crashed or interrupted run up again and drive it.

        A run that has ended is returned as it ended, and nothing is executed, unless it was stopped, failed for want
        of something that can be mended, or was exhausted and is given more.

        Raises:
            RunNotFound: There is no such run.
            RunOwned: Another process drives it.
            UsageError: Its spec has changed since, and the change is not accepted.
        """

    async def fork(self, request: ForkRequest) -> RunResult:
        """Make a new run that shares another's journal up to some place, and drive it.

        Raises:
            RunNotFound: There is no such run.
            UsageError: It has no such place.
        """

    async def finish_workspace(self, run_id: str, action: Literal["merge", "discard"]) -> str:
        """Bring a run's work into the project, or throw it away with its folder; return a sentence about it.

        Raises:
            RunNotFound: There is no such run.
            UsageError: It cannot be done: the run goes on, or its work does not fit what the project has become.
        """

    def interrupt(self, run_id: str | None = None) -> None:
        """Pause a run of this engine, or all of them, at once: agents are ended, the journal is kept."""


@hookspec
def loopengt_register_engines(register: Register[Engine]) -> None:
    """Register engines.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the target is an ``Engine``, usually a class with
            ``from_context``, since an engine needs the other components.

    Raises:
        PluginError: Another plugin registers an engine of the same name.

    Since: 0.2
    """
