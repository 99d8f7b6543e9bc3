"""Turns events into the bytes that a storage keeps, and back.

A batch is one JSON array of events, each ``[seq, type, at, step, data]``: compact, ordered, and readable by any
tool without this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from loopengt._jsondata import NotJsonError, json_copy
from loopengt_hookspecs.errors import LoopengtError, StorageCorrupt
from loopengt_hookspecs.models import Event

__all__ = ["clean_text", "decode_batch", "decode_value", "encode_batch", "encode_value", "to_json_data"]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Event])

encode_value = _encoder.encode
"""Encode one JSON value as compact UTF-8 bytes."""

decode_value = msgspec.json.Decoder().decode
"""Decode one JSON value from UTF-8 bytes."""


def encode_batch(events: Sequence[Event]) -> bytes:
    """Encode events as one JSON array, without line breaks.

    Raises:
        LoopengtError: An event holds something that is not JSON data.
    """
    try:
        return _encoder.encode(events)
    except UnicodeEncodeError:
        return _encoder.encode(_clean([list(event) for event in events]))
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

    A tuple becomes a list. Lone surrogates, which come from undecodable bytes, become question marks.

    Raises:
        TypeError: The value is not JSON data: NaN, bytes, sets, times and keys that are no text are not, either.
    """
    if value is None or type(value) is bool:
        return value, 5
    if type(value) is str:
        text = clean_text(value)
        return text, len(text)
    try:
        raw = _encoder.encode(value)
        data = msgspec.json.decode(raw)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _checked(value)
    # The encoder takes more than JSON knows, and writes null for NaN; what comes back differs then.
    return (data, len(raw)) if data == value else _checked(value)


def clean_text(text: str) -> str:
    """Return a text that can be stored as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _checked(value: Any) -> tuple[Any, int]:
    """Do as ``to_json_data``, and find out what is wrong where something is."""
    try:
        plain = _clean(json_copy(value))
        raw = _encoder.encode(plain)
        data = msgspec.json.decode(raw)
    except (NotJsonError, ValueError, OverflowError, RecursionError) as exc:
        raise TypeError(f"not JSON data: {exc}") from exc
    if data != plain:
        raise TypeError("not JSON data: NaN and infinity are no JSON numbers")
    return data, len(raw)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(item) for key, item in value.items()}
    return value
