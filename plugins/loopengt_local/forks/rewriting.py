"""Makes the events of a run those of its fork: the same work, under the fork's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Rewriting"]

_CHANGED = frozenset({"spec", "steps", "context", "file", "loops"})
"""What a run takes over from a changed spec."""


class Rewriting:
    """Changes the events of a run, one by one, into those of a fork.

    Args:
        header: Data of the fork's first event.
        workspace: Path of the workspace of the run that is forked.
        orphans: Positions of events that name a child run which stays with the run that is forked.
    """

    def __init__(self, header: Mapping[str, Any], workspace: str, orphans: frozenset[int]) -> None:
        self._header = dict(header)
        self._workspace = workspace
        self._orphans = orphans
        self._fork = header["forked_from"]
        self._changes = {
            "loop.resume": self._resume,
            "step.start": self._start,
            "approval.request": self._asked,
            "approval.decision": self._decided,
            "checkpoint.save": self._saved,
        }

    def __call__(self, event: Event) -> Event:
        """Return the fork's event at the same position."""
        if event.seq == 1:
            return event._replace(data=self._header)
        change = self._changes.get(event.type)
        return event if change is None else change(event)

    def _resume(self, event: Event) -> Event:
        data = dict(event.data)
        if self._fork["changed"]:  # the fork's first event names what it goes by
            data = {key: value for key, value in data.items() if key not in _CHANGED}
            data["limits"] = self._header["limits"]
        elif "context" in data:
            data["context"] = {**data["context"], **self._fork["set"]}
        return event._replace(data=data)

    def _start(self, event: Event) -> Event:
        if event.seq not in self._orphans:
            return event
        return event._replace(data={key: value for key, value in event.data.items() if key != "run"})

    def _asked(self, event: Event) -> Event:
        if event.seq in self._orphans:  # the fork has a child of its own, which asks for itself
            return event._replace(type="custom", data={"kind": "question of a child run that was not forked"})
        return self._decided(event)

    def _decided(self, event: Event) -> Event:
        """Ids of questions are made of the run's."""
        run, slash, rest = str(event.data["id"]).partition("/")
        if run != self._fork["run_id"]:
            return event
        return event._replace(data=event.data | {"id": f"{self._header['run_id']}{slash}{rest}"})

    def _saved(self, event: Event) -> Event:
        """Files that were kept lie in the repository of the workspace that they were kept of."""
        if "tree" not in event.data or "workspace" in event.data:
            return event
        return event._replace(data=event.data | {"workspace": self._workspace})
