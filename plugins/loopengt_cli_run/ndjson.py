"""The observer behind ``--json``: one event a line on stdout, live."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import TYPE_CHECKING

from loopengt_hookspecs.models import EventType

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["NdjsonObserver"]


class NdjsonObserver:
    """Writes events to stdout from a thread of its own.

    So a slow reader never holds the run up, and one that has gone away does not end it.
    """

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="loopengt stdout", daemon=True)
        self._thread.start()

    def enabled(self) -> bool:
        """Always."""
        return True

    async def on_event(self, event: TraceEvent) -> None:
        """Write an event, soon; pieces of what an agent is writing are left out: the whole comes with its answer."""
        if event.event_type is EventType.AGENT_PROGRESS:
            return
        self._lines.put(event.model_dump_json().encode() + b"\n")

    async def close(self) -> None:
        """Nothing to do: the run may be taken up again; ``finish`` ends the output."""

    def finish(self) -> None:
        """Wait until everything is written, or nobody reads it."""
        self._lines.put(None)
        self._thread.join()

    def _write(self) -> None:
        # Straight to the descriptor: a buffer of Python's would be flushed, and fail, at exit.
        try:
            descriptor = sys.stdout.fileno()
            while (line := self._lines.get()) is not None:
                while line:
                    line = line[os.write(descriptor, line) :]
        except (OSError, ValueError, AttributeError):
            return  # the reader has gone, or there never was one
