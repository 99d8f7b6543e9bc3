"""Extension point: stop conditions, checked before every turn of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.models import End, LoopSpec, LoopState, StopCondition
    from loopengt_hookspecs.registration import Register


class Progress(Protocol):
    """How far a run has come, as a stop condition sees it."""

    @property
    def turn(self) -> int:
        """Turns taken so far; a turn is one execution of a step, all its attempts included."""

    @property
    def elapsed(self) -> float:
        """Seconds that the run has been driven, pauses left out."""

    @property
    def tokens(self) -> int:
        """Tokens used by all agents of the run."""

    @property
    def cost_usd(self) -> float:
        """Known cost of the run in US dollars."""

    @property
    def added(self) -> Mapping[str, float]:
        """What a person has added to the run's limits: ``turns``, ``seconds``, ``tokens``, ``cost_usd``."""

    @property
    def goal_reached(self) -> bool:
        """Whether every step has completed and the gates of its last execution passed."""

    @property
    def failed_gates(self) -> tuple[str, ...]:
        """Gates that failed at the last execution of their step, and names of steps that failed."""

    @property
    def last_output(self) -> Any:
        """Output of the step that completed last; None without one."""

    @property
    def state(self) -> LoopState:
        """The state so far, made anew at each access: too dear for every turn of a long run."""

    def scope(self) -> Mapping[str, Any]:
        """Make the names that expressions see."""


class StopRule(Protocol):
    """A stop condition of a loop, bound to its declaration.

    Two attributes are optional. ``time_limit``: seconds of driven time after which the engine ends the run, also in the
    midst of a turn. ``polled``, when true: the engine asks also every second while a turn is under way, and ends the
    run before the next turn once the condition held; for conditions on something outside the run.
    """

    def check(self, progress: Progress) -> End | None:
        """Return how the run ends, or None to go on. Called before every turn; keep it cheap."""


class StopConditionKind(Protocol):
    """Makes stop rules of one kind. ``condition_type`` in a spec names it."""

    def bind(self, condition: StopCondition, spec: LoopSpec) -> StopRule:
        """Make the rule, once for a loop; its runs share it, so it keeps no state of any.

        Raises:
            UsageError: The condition's ``value`` is not of the type that this kind takes.
        """


@hookspec
def loopengt_register_stop_conditions(register: Register[StopConditionKind]) -> None:
    """Register kinds of stop conditions.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``condition_type`` says, the
            target a ``StopConditionKind``.

    Raises:
        PluginError: Another plugin registers a kind of the same name.

    Since: 0.2
    """
