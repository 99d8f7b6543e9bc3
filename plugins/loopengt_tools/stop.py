"""Tells work in a thread that nobody waits for it any more."""

from __future__ import annotations

from threading import Event

from loopengt_hookspecs.tools import ToolError

__all__ = ["Stop"]


class Stop:
    """Says whether the call is still wanted."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """The call is cancelled."""
        self._event.set()

    def check(self) -> None:
        """Go on only when the call is wanted; to be asked in every loop, and before anything is changed.

        Raises:
            ToolError: It was cancelled; nobody reads this.
        """
        if self._event.is_set():
            raise ToolError("the call was cancelled")
