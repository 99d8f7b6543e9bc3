"""Does a tool's work on files in a thread, told to stop when its call is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from loopengt.threads import call_in_thread
from loopengt_tools.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_thread"]

T = TypeVar("T")


async def in_thread(work: Callable[[Stop], T]) -> T:
    """Do blocking work in a thread and return its result.

    Raises:
        BaseException: What the work raises.
    """
    stop = Stop()
    result, error = await call_in_thread(work, stop, stop.set)
    if error is not None:
        raise error
    done: T = result
    return done
