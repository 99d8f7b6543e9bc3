"""Computes the metrics of a run; one that fails is named, and the others are there all the same."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.naming import hint
from loopengt_hookspecs.metrics import MetricValue

if TYPE_CHECKING:
    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.registration import Components

__all__ = ["Figures", "check_metrics", "measure"]


class Figures(dict[str, MetricValue]):
    """The metrics of a run, by name; None: the run does not say, or the metric has failed."""

    def __init__(self, values: Iterable[tuple[str, MetricValue]] = ()) -> None:
        super().__init__(values)
        self.errors: dict[str, str] = {}
        """Why metrics have failed, by name."""
        self.units: dict[str, str] = {}
        """Units of the metrics, by name; see ``loopengt_hookspecs.metrics.Metric``."""


def check_metrics(components: Components, names: Iterable[str]) -> list[str]:
    """Return the names of metrics without repetitions; all that there are, when none is given.

    Args:
        components: Where they are looked up.
        names: Names of registered metrics.

    Raises:
        UsageError: No loaded plugin has a metric of that name; the message names the nearest.
    """
    known = components.names("metrics")
    wanted = list(dict.fromkeys(names)) or list(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"there is no metric {name!r}{hint(name, known)}")
    return wanted


def measure(components: Components, run: RecordedRun, names: Iterable[str] = ()) -> Figures:
    """Compute metrics of a run.

    Args:
        components: Where they are looked up, such as a kernel.
        run: What ``read_recorded`` returned.
        names: Which; empty: all that there are, sorted by name.

    Returns:
        A dict of their values; its ``errors`` tell which have failed, its ``units`` what the others are in.

    Raises:
        UsageError: There is no metric of that name.
    """
    found = Figures()
    for name in check_metrics(components, names):
        try:
            metric = components.get("metrics", name)
            found[name] = _checked(metric.measure(run))
            found.units[name] = metric.unit
        except Exception as exc:
            found[name] = None
            found.errors[name] = f"{type(exc).__name__}: {exc}".rstrip(": ")
    return found


def _checked(value: Any) -> MetricValue:
    if isinstance(value, bool):
        return int(value)
    if value is not None and not isinstance(value, int | float | str):
        raise TypeError(f"it returned a Python {type(value).__name__} in place of a number, a word or None")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"it returned {value}, which is no number")
    return value
