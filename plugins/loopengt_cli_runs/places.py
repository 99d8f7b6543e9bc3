"""Says to which execution of a step, and which attempt, each event of a run belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["Place", "Places", "Wanted"]


class Place(NamedTuple):
    """Where an event belongs."""

    run: str
    step: str
    """Empty: to the run as a whole."""
    occurrence: int
    attempt: int

    @property
    def label(self) -> str:
        """The execution, as ``--step`` takes it."""
        return f"{self.step}#{self.occurrence}" if self.step else ""


class Places:
    """Follows the events of a run and its child runs, in order."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[int, int]] = {}

    def of(self, event: TraceEvent) -> Place:
        """Return where the next event belongs."""
        step = event.step_name
        if step is None:
            return Place(event.run_id, "", 0, 0)
        key = (event.run_id, step)
        occurrence, attempt = self._known.get(key, (1, 1))
        if event.event_type.family == "step":
            occurrence = _whole(event.data.get("occurrence"), occurrence)
        attempt = _whole(event.data.get("attempt"), attempt)
        self._known[key] = (occurrence, attempt)
        return Place(event.run_id, step, occurrence, attempt)


class Wanted:
    """The executions that ``--step NAME[#N]`` means: those of a step, and of the items of one with ``for_each``.

    Args:
        text: What a person has typed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        name, mark, number = text.rpartition("#")
        self._numbered = (name, int(number)) if mark and number.isascii() and number.isdigit() else None

    def fits(self, place: Place) -> bool:
        """Whether it means that place."""
        if _is_of(place.step, self.text):  # a step may have such a name itself
            return True
        numbered = self._numbered
        return numbered is not None and place.occurrence == numbered[1] and _is_of(place.step, numbered[0])


def _is_of(step: str, name: str) -> bool:
    return bool(step) and (step == name or (step.startswith(f"{name}[") and step.endswith("]")))


def _whole(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise
