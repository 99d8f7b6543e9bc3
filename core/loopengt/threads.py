"""Calls a sync function in a thread of its own, which a cancelled caller leaves behind."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call_in_thread"]

T = TypeVar("T")
Outcome = tuple[Any, BaseException | None]


async def call_in_thread(call: Callable[[T], Any], argument: T, abandoned: Callable[[], None]) -> Outcome:
    """Call a function in a new daemon thread, which holds up neither the event loop nor the exit.

    Args:
        call: The function.
        argument: What it is called with.
        abandoned: Called when the caller is cancelled while the thread still runs.

    Returns:
        The function's value and None, or None and the exception that it raised, of whatever kind.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Outcome] = loop.create_future()
    context = contextvars.copy_context()

    def settle(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    def work() -> None:
        outcome: Outcome
        try:
            outcome = (context.run(call, argument), None)
        except BaseException as error:  # the caller gets it, whatever it is
            outcome = (None, error)
        with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=work, name="loopengt-call", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        abandoned()
        raise
