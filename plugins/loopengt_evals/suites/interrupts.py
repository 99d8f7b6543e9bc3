"""Turns the first signal into a rest of all trials, and a second one into an end at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from loopengt.processes import kill_all_groups

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["INTERRUPTED", "Interrupts"]

INTERRUPTED = 130
"""Exit code of a command that a signal ended."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SAME_PRESS = 0.1
_AGAIN = 0.05


class Interrupts:
    """An async context in which the first SIGINT, SIGTERM or SIGHUP calls a function again and again.

    Args:
        rest: Has everything rest that is under way; it is called until the context ends, since more may begin.
        said: Called once, before.
    """

    def __init__(self, rest: Callable[[], None], said: Callable[[], None]) -> None:
        self._rest = rest
        self._said = said
        self._first: float | None = None
        self._previous: dict[signal.Signals, Any] = {}
        self._noticed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self._first is not None

    async def __aenter__(self) -> Interrupts:
        """Take the signals over; those that are ignored stay so."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._on_signal)
        self._task = asyncio.create_task(self._pass_on(), name="loopengt interrupts")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _pass_on(self) -> None:
        await self._noticed.wait()
        self._said()
        while True:
            self._rest()
            await asyncio.sleep(_AGAIN)

    def _on_signal(self, number: int, frame: object) -> None:
        now = monotonic()
        if self._first is None:
            self._first = now
            self._loop.call_soon_threadsafe(self._noticed.set)
        elif now - self._first > _SAME_PRESS:
            kill_all_groups()
            os._exit(INTERRUPTED)
