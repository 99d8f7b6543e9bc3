"""Watches a program while it runs: its lines as they come, how long it is silent, and when it has to be gone."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Watch"]

LONGEST_LINE = 64_000_000
"""Bytes from which on a line is left out, so that a program without line ends does not fill the memory."""

_Ending: TypeAlias = Literal["", "timeout", "idle", "overstayed"]


class Watch:
    """Watches one run of ``run_program``; make a new one for each.

    Args:
        on_line: Called, in the event loop, with each line of standard output, without its line end; the last one need
            not have an end. What it raises ends the program and is raised by ``run_program``.
        idle_seconds: Seconds after which a program that writes nothing, on neither stream, is ended; None: no limit.
    """

    def __init__(
        self, on_line: Callable[[bytes], None] | None = None, *, idle_seconds: float | None = None
    ) -> None:
        self.ended_by: _Ending = ""
        """Why the program was ended: ``timeout``, ``idle`` or ``overstayed`` (``leave_within``); empty: it was not."""
        self.long_lines = 0
        """Lines that were left out because they were longer than 64 MB."""
        self._on_line = on_line
        self._idle_seconds = idle_seconds
        self._heard_at = time.monotonic()
        self._leave_at: float | None = None
        self._line = bytearray()
        self._skipping = False
        self._error: BaseException | None = None
        self._stirred: asyncio.Future[None] | None = None

    def leave_within(self, seconds: float) -> None:
        """Give the program so long to end by itself; then it is ended."""
        self._leave_at = time.monotonic() + seconds
        self._stir()

    def stay(self) -> None:
        """Take ``leave_within`` back."""
        self._leave_at = None

    def feed(self, chunk: bytes, *, lines: bool) -> None:
        """Take what was read next; ``lines``: it is standard output. Never raises."""
        self._heard_at = time.monotonic()
        if not lines or self._on_line is None:
            return
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            self._finish_line()
        self._add(rest)

    def finish(self) -> None:
        """Take the end of the output.

        Raises:
            BaseException: What ``on_line`` has raised.
        """
        if self._line or self._skipping:
            self._finish_line()
        if self._error is not None:
            raise self._error

    async def wait(self, exited: asyncio.Future[None], timeout: float | None) -> bool:
        """Wait for the program's end; False: it has to be ended, ``ended_by`` says why."""
        began = time.monotonic()
        while not exited.done() and self._error is None:
            first = min(self._limits(began, timeout), default=None)
            left = None if first is None else first[0] - time.monotonic()
            if first is not None and left is not None and left <= 0:
                self.ended_by = first[1]
                return False
            self._stirred = asyncio.get_running_loop().create_future()
            await asyncio.wait([exited, self._stirred], timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return exited.done()

    def _limits(self, began: float, timeout: float | None) -> list[tuple[float, _Ending]]:
        found: list[tuple[float, _Ending]] = []
        if timeout is not None:
            found.append((began + timeout, "timeout"))
        if self._leave_at is not None:
            found.append((self._leave_at, "overstayed"))
        if self._idle_seconds is not None:
            found.append((self._heard_at + self._idle_seconds, "idle"))
        return found

    def _add(self, part: bytes) -> None:
        if self._skipping:
            return
        self._line += part
        if len(self._line) > LONGEST_LINE:
            self._line.clear()
            self._skipping = True
            self.long_lines += 1

    def _finish_line(self) -> None:
        line, skipped = bytes(self._line).removesuffix(b"\r"), self._skipping
        self._line.clear()
        self._skipping = False
        if skipped or self._on_line is None or self._error is not None:
            return
        try:
            self._on_line(line)
        except BaseException as error:  # raised in the event loop's callback, it would be lost
            self._error = error
            self._stir()

    def _stir(self) -> None:
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)
