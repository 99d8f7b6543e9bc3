"""What the journal holds of an attempt's calls: results to give back, and calls that nobody may repeat unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt.journal import OpenStep
    from loopengt_hookspecs.models import Event

__all__ = ["PastCalls"]


class PastCalls:
    """The calls of an attempt that was begun before; those of other agents within it share them.

    Args:
        opened: What the fold knows of the execution; None: nothing.
    """

    def __init__(self, opened: OpenStep | None) -> None:
        known = opened.calls if opened is not None else None
        results = known.results if known is not None else {}
        self._results = {call: event for call, event in results.items() if "lost" not in event.data}
        self._cut_short: dict[str, Event] = dict(known.begun) if known is not None else {}
        self._dropped: dict[str, int] = dict(known.dropped) if known is not None else {}
        for event in results.values():
            if "lost" in event.data and event.data.get("once"):  # its result cannot be read any more
                self._dropped[event.data["digest"]] = event.seq
        self.anew: int | None = None
        """Position up to which nothing counts any more, once a call differed from the recorded one."""

    def take(self, call: str, digest: str, position: int) -> Event | None:
        """Return what is recorded of a call; None: it is to be made.

        Once a call differs from the recorded one, all behind it are made anew, too.

        Args:
            call: Its key.
            digest: What it asks for.
            position: That of the journal's last event.
        """
        event = self._results.pop(call, None)
        if event is None or event.data.get("digest") == digest:
            return event
        once = (event, *self._results.values(), *self._cut_short.values())
        self._dropped |= {one.data["digest"]: one.seq for one in once if one.data.get("once")}
        self._results.clear()
        self._cut_short.clear()
        self.anew = position
        return None

    def cut_short(self, call: str) -> int | None:
        """Return where a call began that may be made once only, and was under way when the run was lost."""
        event = self._cut_short.pop(call, None)
        return None if event is None else event.seq

    def dropped(self, digest: str) -> int | None:
        """Return where the same was called, and may be called once only, before the conversation went another way."""
        return self._dropped.get(digest)

    def permit(self, digest: str) -> None:
        """A person agrees that it is called once more."""
        self._dropped.pop(digest, None)
