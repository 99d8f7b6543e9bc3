"""Spans and log events as values, and their ids, which are made of what they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Attributes", "Item", "Kind", "Log", "Span", "SpanEvent", "make_id", "nanoseconds"]

Attributes: TypeAlias = dict[str, "str | bool | int | float | Sequence[str]"]

MOST_EVENTS = 128
"""Events of one span; of further ones only the number is told."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Kind(IntEnum):
    """What a span is, by its number in OTLP."""

    INTERNAL = 1
    CLIENT = 3


@dataclass(slots=True)
class SpanEvent:
    """Something that happened within a span."""

    name: str
    at: int
    """Nanoseconds since the epoch."""
    attributes: Attributes


@dataclass(slots=True)
class Span:
    """Something that was done; times in nanoseconds since the epoch."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    name: str
    kind: Kind
    start: int
    end: int
    attributes: Attributes = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    error: str | None = None
    """What went wrong, in words; None: nothing."""
    dropped_events: int = 0

    def tell(self, event: SpanEvent) -> None:
        """Add an event, as long as there is room."""
        if len(self.events) < MOST_EVENTS:
            self.events.append(event)
        else:
            self.dropped_events += 1


@dataclass(slots=True)
class Log:
    """An event of the logs signal that belongs to a span."""

    trace_id: bytes
    span_id: bytes
    name: str
    at: int
    attributes: Attributes


Item: TypeAlias = Span | Log
"""What is sent."""


def make_id(size: int, *key: str | int) -> bytes:
    """Return an id of ``size`` bytes that is the same for the same key, and never only zeros."""
    text = "\x1f".join(map(str, key)).encode("utf-8", "surrogatepass")
    digest = blake2b(text, digest_size=size).digest()
    return digest if any(digest) else b"\x01" * size


def nanoseconds(moment: datetime) -> int:
    """Return a time as OTLP has it, without the rounding of a float."""
    return max(0, (moment - _EPOCH) // _MICROSECOND * 1000)
