"""Turns events into the bytes that a storage keeps, and back.

A batch is one JSON array of events, each ``[seq, type, at, step, data]``: compact, ordered, and readable by any
tool without this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from loopengt_hookspecs.errors import LoopengtError, StorageCorrupt
from loopengt_hookspecs.models import Event

__all__ = ["decode_batch", "encode_batch", "encode_value", "to_json_data"]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Event])

encode_value = _encoder.encode
"""Encode one JSON value as compact UTF-8 bytes."""


def encode_batch(events: Sequence[Event]) -> bytes:
    """Encode events as one JSON array, without line breaks.

    Raises:
        LoopengtError: An event holds something that is not JSON data.
    """
    try:
        return _encoder.encode(events)
    except (TypeError, ValueError, OverflowError, RecursionError) as exc:
        raise LoopengtError(
            f"an event cannot be written to the journal: {exc}",
            remedy="Outputs, contexts and decisions must be JSON data: text, numbers, booleans, null, lists, objects.",
        ) from exc


def decode_batch(payload: bytes) -> list[Event]:
    """Decode what ``encode_batch`` made.

    Raises:
        StorageCorrupt: The bytes are not a batch of events.
    """
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise StorageCorrupt(
            f"a batch of the journal cannot be read: {exc}",
            remedy="Run `loopengt doctor`; `loopengt trace RUN` still shows what comes before the damage.",
        ) from exc


def to_json_data(value: Any) -> tuple[Any, int]:
    """Return a value as a replay will see it, plain JSON data that nobody else holds, and its size in bytes.

    Raises:
        TypeError: The value is not JSON data.
    """
    if value is None or type(value) is bool:
        return value, 5
    if type(value) is str:
        # Lone surrogates, from surrogateescape, cannot be stored as UTF-8.
        text = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
        return text, len(text)
    try:
        raw = _encoder.encode(value)
        return msgspec.json.decode(raw), len(raw)
    except (ValueError, OverflowError, RecursionError) as exc:
        raise TypeError(f"not JSON data: {exc}") from exc
