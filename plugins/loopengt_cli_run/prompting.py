"""Reads a person's lines from the terminal beside an event loop, until something else ends the waiting."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt_cli_run.interrupts import Interrupts

__all__ = ["NoMore", "is_there", "prompt"]

_POLL_SECONDS = 0.5
_MOST_BYTES = 65_536


class NoMore(Exception):
    """The person ends the asking (Ctrl-D, Ctrl-C), or is gone."""


def is_there() -> bool:
    """Whether somebody sits at the terminal who sees stderr and types into stdin."""
    try:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        # A process in the background of a shell would be stopped by reading; without job control there is none.
        with suppress(OSError):
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, ValueError, OSError):  # closed, or none at all
        return False
    return True


async def prompt(text: str, interrupts: Interrupts, is_over: Callable[[], Awaitable[bool]]) -> str | None:
    """Ask for a line and return it without its end; None: it is not wanted any more.

    What was typed before the question is thrown away: it cannot be meant for it.

    Args:
        text: What stands before the cursor.
        interrupts: Tells of Ctrl-C.
        is_over: Says, every now and then, whether the question is settled otherwise.

    Raises:
        NoMore: No line comes.
    """
    descriptor = sys.stdin.fileno()
    with suppress(termios.error):
        termios.tcflush(descriptor, termios.TCIFLUSH)
    _write(text)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str | None] = loop.create_future()
    loop.add_reader(descriptor, _take, descriptor, bytearray(), line)
    try:
        while True:
            pause = asyncio.create_task(interrupts.wait(_POLL_SECONDS), name="loopengt prompt")
            awaited: set[asyncio.Future[Any]] = {line, pause}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if line.done():
                await _end(pause)
                typed = line.result()
                if typed is None:
                    _write("\n")
                    raise NoMore
                return typed
            if interrupts.requested:
                _write("\n")
                raise NoMore
            if await is_over():
                _write("\n")
                return None
    finally:
        loop.remove_reader(descriptor)


def _take(descriptor: int, typed: bytearray, line: asyncio.Future[str | None]) -> None:
    """Take what is there; a terminal gives whole lines, and nothing at its end."""
    if line.done():
        return
    try:
        read = os.read(descriptor, _MOST_BYTES)
    except OSError:
        read = b""
    typed += read
    if not read and not typed:
        line.set_result(None)
    elif not read or b"\n" in read:
        line.set_result(typed.partition(b"\n")[0].decode("utf-8", "replace").removesuffix("\r"))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
