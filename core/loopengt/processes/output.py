"""What a program writes to one stream: both ends in memory, the whole in a temporary file when it is long."""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path

__all__ = ["Output"]

_READ_SIZE = 1 << 20


class Output:
    """The bytes of one stream, in bounded memory.

    Up to ``keep`` bytes stay in memory. Of a longer stream the first and the last half of that stay there,
    and everything goes to a temporary file, which has no name and vanishes with this object. When that file
    reaches ``spool`` bytes, or the disk is full, what follows is only counted.

    Args:
        keep: Most bytes in memory.
        spool: Most bytes in the temporary file.
    """

    __slots__ = ("__weakref__", "_close", "_fd", "_head", "_keep", "_spool", "_spooled", "_tail", "size")

    size: int
    """All bytes that the program wrote."""

    def __init__(self, keep: int, spool: int) -> None:
        self._keep = keep
        self._spool = spool
        self._spooled = 0
        self._fd: int | None = None
        self._close: weakref.finalize[[int], Output] | None = None
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0

    def feed(self, chunk: bytes) -> None:
        """Add what was read next."""
        overflowed = self.truncated
        self.size += len(chunk)
        if not overflowed:
            self._head += chunk
            if self.truncated:
                self._overflow()
            return
        self._write(chunk)
        self._tail += chunk
        half = self._keep // 2
        if len(self._tail) > 2 * half + _READ_SIZE:
            del self._tail[: len(self._tail) - half]

    @property
    def truncated(self) -> bool:
        """Whether ``data`` is less than the program wrote."""
        return self.size > self._keep

    @property
    def discarded(self) -> int:
        """How many bytes did not fit the temporary file; of these only the last may still be in ``data``."""
        return self.size - self._spooled if self.truncated else 0

    @property
    def data(self) -> bytes:
        """The bytes; of a truncated output its two ends, and between them a line on what is missing."""
        if not self.truncated:
            return bytes(self._head)
        head, tail = _without_cut_end(bytes(self._head)), _without_cut_start(self._ending())
        missing = self.size - len(head) - len(tail)
        return b"%s\n[... %d bytes left out ...]\n%s" % (head, missing, tail)

    @property
    def text(self) -> str:
        """``data`` as text; bytes that are not UTF-8 become U+FFFD."""
        return self.data.decode("utf-8", "replace")

    @property
    def is_utf8(self) -> bool:
        """Whether ``data`` is valid UTF-8."""
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True

    def read_all(self) -> bytes:
        """Return everything that was kept; a line marks where bytes are missing, see ``discarded``.

        Reads up to ``spool`` bytes from disk: call it in a thread.
        """
        if not self.truncated:
            return bytes(self._head)
        # In one go: parts that are joined would be in memory twice.
        whole = os.pread(self._fd, self._spooled, 0) if self._fd is not None else b""
        if not self.discarded:
            return whole
        tail = self._ending()[-self.discarded :]
        missing = self.discarded - len(tail)
        return b"".join((whole, b"\n[... %d bytes discarded ...]\n" % missing if missing else b"", tail))

    def _ending(self) -> bytes:
        half = self._keep // 2
        return bytes(self._tail[len(self._tail) - half :]) if len(self._tail) > half else bytes(self._tail)

    def _overflow(self) -> None:
        whole = bytes(self._head)
        try:
            self._fd, path = tempfile.mkstemp(prefix="loopengt-")
        except OSError:
            self._spool = 0
        else:
            Path(path).unlink()
            self._close = weakref.finalize(self, os.close, self._fd)
        self._write(whole)
        half = self._keep // 2
        del self._head[half:]
        # The end is taken from what the beginning does not hold, or a byte would appear twice.
        self._tail += whole[half:]

    def _write(self, chunk: bytes) -> None:
        view = memoryview(chunk)[: max(0, self._spool - self._spooled)]
        try:
            while view and self._fd is not None:
                written = os.write(self._fd, view)
                self._spooled += written
                view = view[written:]
        except OSError:
            self._spool = 0  # the disk is full: the program's run matters more than the rest of its output


def _without_cut_end(head: bytes) -> bytes:
    """Drop the start of a UTF-8 character that the cut has broken."""
    for back in range(1, min(4, len(head) + 1)):
        byte = head[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return head[:-back] if length > back else head
    return head


def _without_cut_start(tail: bytes) -> bytes:
    """Drop the rest of a UTF-8 character that the cut has broken."""
    start = 0
    while start < min(3, len(tail)) and tail[start] & 0xC0 == 0x80:
        start += 1
    return tail[start:]
