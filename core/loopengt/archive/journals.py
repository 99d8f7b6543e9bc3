"""Journals on their way into and out of an archive: one batch of events a line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from loopengt.errors import ArchiveError, LoopengtError
from loopengt.journal import Fold, decode_batch, encode_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from loopengt_hookspecs.models import Event

__all__ = ["batches_of", "check_journal", "parts_of"]

_MOST_LINE = 256 << 20
_PART = 256 << 10
"""Bytes from which a part of a journal is appended."""


def batches_of(file: IO[bytes]) -> Iterator[tuple[bytes, list[Event]]]:
    """Yield each batch, as bytes and as events.

    Raises:
        ArchiveError: A line is no batch, or does not follow the one before.
    """
    expected = 1
    while line := file.readline(_MOST_LINE):
        if not line.endswith(b"\n"):
            raise ArchiveError("a journal in the archive ends in the middle of a line")
        try:
            events = decode_batch(line)
        except LoopengtError as exc:
            raise ArchiveError(f"a journal in the archive cannot be read: {exc.message}") from exc
        for event in events:
            if event.seq != expected:
                raise ArchiveError(
                    f"a journal in the archive has event {event.seq} where {expected} should stand"
                )
            expected += 1
        if events:
            yield line[:-1], events


def check_journal(file: IO[bytes]) -> Fold:
    """Read a journal to its end and return the state that it comes to.

    Raises:
        ArchiveError: It is no journal.
    """
    fold = Fold(history=False)
    for _, events in batches_of(file):
        if fold.seq == 0 and events[0].type != "loop.start":
            raise ArchiveError(f"a journal in the archive begins with {events[0].type!r}")
        try:
            fold.apply_all(events)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as exc:
            why = f"{type(exc).__name__}: {exc}".splitlines()[0]
            raise ArchiveError(
                f"a journal in the archive makes no sense near event {events[0].seq}: {why}"
            ) from exc
    if fold.seq == 0:
        raise ArchiveError("a journal in the archive is empty")
    return fold


def parts_of(
    file: IO[bytes], change: Callable[[dict[str, Any]], dict[str, Any]], *, hold_back: bool
) -> Iterator[tuple[bytes, int]]:
    """Yield a journal in parts to append, each with its number of events.

    Args:
        file: The journal.
        change: Makes the data of the first event anew.
        hold_back: Yield the last batch by itself, so that something is left to be written at the end.
    """
    bodies: list[bytes] = []
    size = count = 0
    last: tuple[bytes, int] | None = None
    for line, events in batches_of(file):
        if events[0].seq == 1:
            events[0] = events[0]._replace(data=change(events[0].data))
            if hold_back and len(events) > 1:
                yield encode_batch(events[:1]), 1
                events = events[1:]
            line = encode_batch(events)
        if last is not None:
            bodies.append(last[0][1:-1])
            size += len(last[0])
            count += last[1]
        last = (line.strip(), len(events))
        if size >= _PART:
            yield b"[" + b",".join(bodies) + b"]", count
            bodies, size, count = [], 0, 0
    if last is None:
        return
    if not hold_back:
        bodies.append(last[0][1:-1])
        count += last[1]
    if bodies:
        yield b"[" + b",".join(bodies) + b"]", count
    if hold_back:
        yield last
