"""Finds the place in a journal at which a fork begins, and what has to be known of the run there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt.journal import read_events
from loopengt_hookspecs.errors import UsageError
from loopengt_local.forks.changing import CARRIED

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import Storage

__all__ = ["Place", "Saved", "find_place", "place_at"]

_MOST_SHOWN = 30
"""Steps, and checkpoints, that an error lists."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint before a place."""

    data: dict[str, Any]
    """Data of its ``checkpoint.save`` event."""
    results: int
    """Steps that had ended by then."""

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.data["checkpoint_id"])


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a journal, and what holds there."""

    seq: int
    """Position of the last event that a fork shares."""
    header: dict[str, Any]
    """What the run goes by there: data of ``loop.start``, with what it took over from changed specs."""
    results: int
    """Steps that had ended by then."""
    saved: tuple[Saved, ...]
    """Checkpoints before it that keep files, oldest first."""
    orphans: frozenset[int]
    """Positions of events that name a child run that is under way there; it stays with the run it belongs to."""
    checkpoint: dict[str, Any] | None = None
    """Data of the ``checkpoint.save`` event that the place is named by."""


async def find_place(storage: Storage, run_id: str, at: str) -> Place:
    """Find a place by its name: a step, ``STEP#N``, or the id of a checkpoint.

    Raises:
        RunNotFound: There is no such run.
        UsageError: It has no such place; the message lists what there is.
    """
    step, _, number = at.rpartition("#")
    wanted = {(at, 1)}
    if step and number.isascii() and number.isdigit():
        wanted.add((step, int(number)))
    survey = _Survey(wanted, at)
    async for events in read_events(storage, run_id, blobs=False):
        for event in events:
            survey.apply(event)
    found = survey.places.get((at, 1)) or survey.checkpoint_place()
    found = found or next(iter(survey.places.values()), None)
    if found is None:
        raise UsageError(f"run {run_id} has no place {at!r}", remedy=survey.listing(run_id))
    return found


async def place_at(storage: Storage, run_id: str, seq: int) -> Place:
    """Return the place behind a position that is known to be one."""
    survey = _Survey(set(), "")
    async for events in read_events(storage, run_id, blobs=False):
        for event in events:
            if event.seq > seq:
                break
            survey.apply(event)
        if events[-1].seq >= seq:
            break
    return survey.here(seq)


@dataclass(slots=True)
class _Survey:
    """What is known of a run while its journal is read."""

    wanted: set[tuple[str, int]]
    """Executions before which a place is looked for: step and number."""
    checkpoint: str
    """Checkpoint at which one is looked for."""
    places: dict[tuple[str, int], Place] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    results: int = 0
    executions: dict[str, int] = field(default_factory=dict)
    """How often each declared step has begun."""
    gathered: dict[str, int] = field(default_factory=dict)
    """How often each step with ``for_each`` has ended."""
    saved: dict[str, Saved] = field(default_factory=dict)
    children: dict[str, list[int]] = field(default_factory=dict)
    """Starts of the open step executions that a child run does, by step."""
    questions: dict[str, int] = field(default_factory=dict)
    """Open questions of child runs, by id."""
    at_checkpoint: tuple[Place, bool] | None = None
    """The place that the checkpoint is, and whether the next event belongs to it."""

    def apply(self, event: Event) -> None:
        kind, data = event.type, event.data
        if self.at_checkpoint is not None and self.at_checkpoint[1]:
            self._close_checkpoint(event)
        if kind in ("step.start", "step.complete", "step.error"):
            self._step(event)
        elif kind in ("agent.response", "agent.error"):
            self.children.pop(event.step or "", None)  # what the child came to is recorded
        elif kind == "loop.start":
            self.header = data
        elif kind == "loop.resume" and "spec" in data:
            self.header = self.header | {key: data[key] for key in CARRIED if key in data}
        elif kind == "approval.request" and "run" in data:
            self.questions[data["id"]] = event.seq
        elif kind == "approval.decision":
            self.questions.pop(data["id"], None)
        elif kind == "checkpoint.save":
            self._save(event)
        elif kind == "checkpoint.delete":
            self.saved.pop(data["checkpoint_id"], None)
            if data["checkpoint_id"] == self.checkpoint:
                self.at_checkpoint = None

    def here(self, seq: int, checkpoint: dict[str, Any] | None = None) -> Place:
        orphans = {seq for starts in self.children.values() for seq in starts}
        orphans.update(self.questions.values())
        saved = tuple(saved for saved in self.saved.values() if "tree" in saved.data)
        return Place(seq, self.header, self.results, saved, frozenset(orphans), checkpoint)

    def checkpoint_place(self) -> Place | None:
        return self.at_checkpoint[0] if self.at_checkpoint is not None else None

    def listing(self, run_id: str) -> str:
        steps = [f"{name} (#1 to #{n})" if n > 1 else name for name, n in self.executions.items()]
        parts = (
            [f"Steps that have begun: {_some(steps)}."] if steps else [f"No step of run {run_id} has begun."]
        )
        if self.saved:
            parts.append(f"Checkpoints: {_some(list(self.saved))}.")
        return " ".join(parts)

    def _step(self, event: Event) -> None:
        name, data = event.step or "", event.data
        begins = event.type == "step.start"
        if begins or "skipped" in data or "items" in data:
            self._begins(name, data["occurrence"], event.seq, listed="of" not in data)
            if "of" in data:  # an item's instance
                self._begins(data["of"], self.gathered.get(data["of"], 0) + 1, event.seq)
        if begins:
            if "run" in data:
                self.children.setdefault(name, []).append(event.seq)
            return
        self.children.pop(name, None)
        if "items" in data or "skipped" in data:
            self.gathered[name] = data["occurrence"]
        else:
            self.results += 1

    def _begins(self, name: str, number: int, seq: int, *, listed: bool = True) -> None:
        if listed:
            self.executions[name] = max(number, self.executions.get(name, 0))
        if (name, number) in self.wanted and (name, number) not in self.places:
            self.places[name, number] = self.here(seq - 1)

    def _save(self, event: Event) -> None:
        data = event.data
        self.saved[data["checkpoint_id"]] = Saved(data, self.results)
        if data["checkpoint_id"] == self.checkpoint:
            self.at_checkpoint = self.here(event.seq, data), True

    def _close_checkpoint(self, event: Event) -> None:
        """The pattern's decision to save it belongs to a checkpoint: without, a replay would save it again."""
        assert self.at_checkpoint is not None
        place = self.at_checkpoint[0]
        value = event.data.get("value")
        theirs = event.type == "decision" and isinstance(value, dict) and value == place.checkpoint
        self.at_checkpoint = (self.here(event.seq, place.checkpoint) if theirs else place), False


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
