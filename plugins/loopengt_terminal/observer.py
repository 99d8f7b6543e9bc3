"""The observers ``terminal`` and ``terminal-verbose``: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeAlias

from loopengt.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import TraceEvent

Events: TypeAlias = "queue.SimpleQueue[TraceEvent | None]"
"""What is still to be shown; None: nothing more comes."""

__all__ = ["TerminalObserver", "VerboseTerminalObserver", "View"]

_CLOSE_SECONDS = 4.0
"""How long the end waits for a terminal that takes nothing, as one that was halted with Ctrl-S."""


class View(Protocol):
    """Shows events; used by one thread."""

    interval: float | None
    """Seconds between two calls of ``show``, with or without events; None: it is called with events only."""

    def show(self, events: Sequence[TraceEvent]) -> None:
        """Show events, in order."""

    def close(self) -> None:
        """Give the terminal back as it was."""


class TerminalObserver:
    """Shows runs on stderr.

    A thread of its own does the writing, so that a terminal that does not take it never holds a run up.
    """

    verbose = False
    """Whether prompts, outputs and feedback are shown."""

    def __init__(self) -> None:
        self._events: Events = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def enabled(self) -> bool:
        """Whether there is a stderr to write to."""
        return sys.stderr is not None

    async def on_event(self, event: TraceEvent) -> None:
        """Show an event, soon."""
        if self._thread is None:
            self._events = queue.SimpleQueue()
            view = make_view(verbose=self.verbose)
            self._thread = threading.Thread(
                target=_work, args=(view, self._events), name="loopengt terminal", daemon=True
            )
            self._thread.start()
        self._events.put(event)

    async def close(self) -> None:
        """Show what is left and give the terminal back."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._events.put(None)
            await asyncio.to_thread(thread.join, _CLOSE_SECONDS)


class VerboseTerminalObserver(TerminalObserver):
    """Shows runs on stderr, with prompts, outputs and feedback in short."""

    verbose = True


def make_view(*, verbose: bool) -> View:
    """Choose the view for stderr as it is now."""
    if sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb"):
        from rich.console import Console

        from loopengt_terminal.live import LiveView

        return LiveView(Console(stderr=True, highlight=False, emoji=False), verbose=verbose)
    from loopengt_terminal.plain import PlainView

    return PlainView(sys.stderr, verbose=verbose)


def _work(view: View, events: Events) -> None:
    # OSError and ValueError: the terminal, pipe or stream is gone, and with it whoever was watching.
    with suppress(OSError, ValueError):
        try:
            going = True
            while going:
                found, going = _take(events, view.interval)
                view.show(found)
        except (OSError, ValueError):
            raise
        except Exception as exc:
            get_logger("loopengt_terminal").warning("the progress view failed", exc_info=exc)
        finally:
            view.close()


def _take(events: Events, interval: float | None) -> tuple[list[TraceEvent], bool]:
    """Take what comes within the interval; without one, wait for an event and take what is there.

    Returns:
        The events, and whether more may come.
    """
    found: list[TraceEvent] = []
    until = None if interval is None else monotonic() + interval
    while True:
        left = None if until is None else until - monotonic()
        try:
            event = events.get_nowait() if left is not None and left <= 0 else events.get(timeout=left)
        except queue.Empty:
            return found, True
        if event is None:
            return found, False
        found.append(event)
        until = until or monotonic()
