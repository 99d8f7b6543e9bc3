"""The view for files, pipes and CI: one line an event, with the time since the run began."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from loopengt_terminal.narration import narrate
from loopengt_terminal.progress import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_terminal.progress import Progress

__all__ = ["PlainView"]


class PlainView:
    """Writes lines.

    Args:
        stream: Where to.
        verbose: Tell prompts and outputs too.
    """

    interval: float | None = None
    """Nothing has to be drawn while nothing happens."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._runs: dict[str, Progress] = {}

    def show(self, events: Sequence[TraceEvent]) -> None:
        """Write the lines of some events."""
        self._stream.write("".join(line for event in events for line in self._lines(event)))
        self._stream.flush()

    def close(self) -> None:
        """Nothing is left to do."""

    def _lines(self, event: TraceEvent) -> list[str]:
        progress, step = follow(self._runs, event)
        at = f"{(progress.top or progress).elapsed(event.timestamp):8.1f}s  {progress.prefix}"
        return [f"{at}{line.text}\n" for line in narrate(event, step, progress, verbose=self._verbose)]
