"""Extension point: judges, who score a result or a whole run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec
from loopengt_hookspecs.errors import JudgeError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import JudgeSpec
    from loopengt_hookspecs.registration import Register

__all__ = [
    "Ask",
    "Judge",
    "JudgeError",
    "JudgeKind",
    "JudgeRequest",
    "JudgeVerdict",
    "loopengt_register_judges",
]


class Ask(Protocol):
    """Asks the agent that the judge's declaration names, of whichever provider it is."""

    async def __call__(
        self, prompt: str, *, system_prompt: str = "", schema: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask, and return the answer; what it costs is counted.

        Args:
            prompt: What the agent is asked. Put what is judged between marks that it cannot close, as in
                ``loopengt.judging.quoted``: it is data, and may try to talk the judge round.
            system_prompt: What the agent is to be.
            schema: JSON Schema of the answer. The agent is told, its answer is parsed and held against it.

        Returns:
            The answer: with a schema JSON data that fits it, else text.

        Raises:
            JudgeError: The answer is not JSON, or does not fit.
            AgentError: The agent failed.
        """


@dataclass(slots=True)
class JudgeRequest:
    """What a judge is asked to score. Read it; do not change it."""

    goal: str
    """The loop's goal."""
    output: Any
    """What is judged, JSON data: a step's output, or the run's."""
    ask: Ask
    """Asks an agent."""
    threshold: float
    """Score, 0..1, from which the result counts as passed."""
    expected: Any = None
    """The reference to compare with, JSON data; None: there is none."""
    other: Any = None
    """Another output for the same goal, for a judge that compares two; None: there is none."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the loop was given: the context of its run, JSON data."""
    workspace: Path | None = None
    """The folder with the files that the work was done in; None: it is gone."""
    scope: Callable[[], Mapping[str, Any]] = dict
    """Makes the names that expressions see: output, result, steps, context, run, and expected."""


@dataclass(slots=True)
class JudgeVerdict:
    """What a judge finds."""

    score: float
    """How good it is, 0..1; a number outside, or none at all, is an error and no verdict."""
    reasoning: str = ""
    """Why, in words that help the next attempt."""
    passed: bool | None = None
    """Whether it is good enough; None: when the score reaches the threshold."""
    criteria: dict[str, float] = field(default_factory=dict)
    """Scores by criterion, 0..1, of a judge that has some."""
    raw_output: str = ""
    """What an agent answered, word for word."""
    details: dict[str, Any] = field(default_factory=dict)
    """Anything else that shows why, JSON data."""


class Judge(Protocol):
    """A judge, bound to its declaration: ready to be asked, many times and concurrently."""

    def plan(self) -> str:
        """Say in one line what a verdict would execute, for ``run --dry-run``."""

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for the judge; each names the command that mends it."""

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score one result.

        Judges fail closed: an exception or an unreadable verdict is an error, never a score. Time limit, repetition
        and the count of what it costs are seen to by whoever asks.

        Raises:
            JudgeError: There can be no verdict, such as for want of ``expected``.
        """


class JudgeKind(Protocol):
    """Makes judges of one kind. ``judge`` of a gate, or a judge in evals.yaml, names it.

    The least that does it::

        class Polite:
            options = None
            asks = False

            def bind(self, spec, project):
                return self

            def plan(self):
                return "look for please"

            def missing(self):
                return []

            async def judge(self, request):
                return JudgeVerdict(1.0 if "please" in str(request.output) else 0.0)
    """

    @property
    def options(self) -> type[BaseModel] | None:
        """The model that validates ``options`` of a declaration; None: no options are allowed."""

    @property
    def asks(self) -> bool:
        """Whether its judges ask an agent (``request.ask``)."""

    def bind(self, spec: JudgeSpec, project: Path) -> Judge:
        """Make the judge of one declaration.

        Args:
            spec: The declaration; its ``options`` fit the model.
            project: The project folder.
        """


@hookspec
def loopengt_register_judges(register: Register[JudgeKind]) -> None:
    """Register judges.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what a declaration's ``kind`` says, the target a
            ``JudgeKind``.

    Raises:
        PluginError: Another plugin registers a judge of the same name.

    Since: 0.2
    """
