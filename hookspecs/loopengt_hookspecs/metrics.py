"""Extension point: metrics, the figures that are computed from a run's journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event, LoopSpec, LoopState
    from loopengt_hookspecs.registration import Register

__all__ = ["Metric", "MetricValue", "RecordedRun", "loopengt_register_metrics"]

MetricValue: TypeAlias = float | int | str | None
"""A number, or a word such as a status; None: the run does not say."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as its journal tells it. Read it; do not change it."""

    state: LoopState
    """The state folded from the journal."""
    events: Sequence[Event]
    """The run's own events, in order, without those of its child runs. Large values are left out of them: an agent's
    output may be a reference to a blob."""
    spec: LoopSpec | None = None
    """The loop; None: the journal is too damaged to tell."""
    tokens: int = 0
    """Tokens of the run, its child runs included."""
    cost_usd: float = 0.0
    """What is known of its cost in US dollars, child runs included."""
    unknown_costs: int = 0
    """Calls of agents whose cost nobody knows."""
    elapsed: float = 0.0
    """Seconds that the run was driven, pauses left out."""


class Metric(Protocol):
    """Computes one figure of a run.

    The least that does it::

        class Handoffs:
            unit = ""
            better = None

            def measure(self, run):
                return sum(event.type == "handoff" for event in run.events)
    """

    @property
    def unit(self) -> str:
        """``seconds``, ``tokens``, ``usd``, ``share`` (0 to 1), or empty for a count or a word."""

    @property
    def better(self) -> Literal["higher", "lower"] | None:
        """Which way is an improvement; None: neither."""

    def measure(self, run: RecordedRun) -> MetricValue:
        """Return the figure of one run; also of one that has not ended. It neither blocks nor waits."""


@hookspec
def loopengt_register_metrics(register: Register[Metric]) -> None:
    """Register metrics.

    Called once when the plugin is loaded. ``loopengt eval RUN`` shows them all, suites compare them.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Metric``.

    Raises:
        PluginError: Another plugin registers a metric of the same name.

    Since: 0.2
    """
