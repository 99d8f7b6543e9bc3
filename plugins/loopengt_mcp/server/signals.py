"""Catches the signals that end a server, also while nobody reads what it has logged."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from contextlib import suppress
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STDERR = 2
_SAME_PRESS = 0.1
"""Seconds within which a second signal is the first one again: launchers repeat what the terminal sends."""


class Signals:
    """A context in which SIGINT, SIGTERM and SIGHUP are caught; a second one ends the process at once.

    Signals that are ignored, as SIGHUP is under nohup, stay so. To be made in a running event loop.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.caught: asyncio.Future[int] = self._loop.create_future()
        """The number of the first signal."""
        self._number = 0
        self._at = 0.0
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Begin to catch them."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._catch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    async def wait_beside(self, work: asyncio.Future[Any]) -> int:
        """Wait until some work is done, or a signal comes, and return its number; 0: none has come."""
        await asyncio.wait({work, self.caught}, return_when=asyncio.FIRST_COMPLETED)
        return self.caught.result() if self.caught.done() else 0

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self._number:
            if monotonic() - self._at < _SAME_PRESS:
                return
            os._exit(128 + number)  # a second one does not wait for anything
        self._number, self._at = number, monotonic()
        _let_stderr_go()
        self._loop.call_soon_threadsafe(self.caught.set_result, number)


def _let_stderr_go() -> None:
    """Where stderr takes nothing any more, write it nowhere: the event loop may be waiting in the midst of a log."""
    with suppress(OSError, ValueError):
        if not select.select([], [_STDERR], [], 0)[1]:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STDERR)
            os.close(nowhere)
