"""Turns signals into a pause of the run, and a second one into an end at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from loopengt.processes import kill_all_groups
from loopengt_cli_run.text import say

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from loopengt_hookspecs.engines import Engine

__all__ = ["INTERRUPTED", "Interrupts"]

INTERRUPTED = 130
"""Exit code of a command that a signal ended."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_SAME_PRESS = 0.1
"""Seconds within which a second signal is the first one again: launchers repeat what the terminal sends."""

_SHOW_CURSOR = b"\x1b[?25h\n"


class Interrupts:
    """A context in which the first SIGINT, SIGTERM or SIGHUP pauses and the second one aborts.

    Signals that are ignored, as SIGHUP is under nohup, stay so.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._previous: dict[signal.Signals, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._noticed: asyncio.Event | None = None

    def __enter__(self) -> Interrupts:
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self._first is not None

    async def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until a signal comes."""
        import asyncio

        assert self._noticed is not None, "inside of reaching() only"
        with suppress(TimeoutError):
            await asyncio.wait_for(self._noticed.wait(), seconds)

    @asynccontextmanager
    async def reaching(self, engine: Engine, *, quiet: bool = False) -> AsyncIterator[None]:
        """Within this context a signal interrupts the engine's runs."""
        import asyncio

        self._loop, self._noticed = asyncio.get_running_loop(), asyncio.Event()
        if self.requested:
            self._noticed.set()
        task = asyncio.create_task(self._pass_on(engine, quiet), name="loopengt interrupts")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self._loop = None

    async def _pass_on(self, engine: Engine, quiet: bool) -> None:
        import asyncio

        assert self._noticed is not None, "set before"
        await self._noticed.wait()
        if not quiet:
            say("Interrupted: the run is being paused. Once more to abort at once.")
        while True:  # the engine may not have begun to drive its run yet
            engine.interrupt()
            await asyncio.sleep(0.05)

    def _on_signal(self, number: int, frame: object) -> None:
        # A plain handler and not the event loop's: it also works while the loop is held up.
        now = monotonic()
        if self._first is None:
            self._first = now
            if self._loop is not None and self._noticed is not None:
                self._loop.call_soon_threadsafe(self._noticed.set)
        elif now - self._first > _SAME_PRESS:
            abort()


def abort() -> None:
    """End this process and every program that it has started, at once."""
    kill_all_groups()
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():  # a live view has hidden its cursor
            _write_at_once(sys.stderr.fileno(), _SHOW_CURSOR)
    os._exit(INTERRUPTED)


def _write_at_once(descriptor: int, data: bytes) -> None:
    """Write unless that would have to wait, as for a terminal that was halted with Ctrl-S."""
    os.set_blocking(descriptor, False)
    try:
        os.write(descriptor, data)
    finally:
        os.set_blocking(descriptor, True)
