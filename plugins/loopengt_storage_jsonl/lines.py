"""The lines of a journal file: one JSON object each, opened by a checksum of all that follows.

A line that brings events ends with them, exactly as they were given::

    {"crc":"5f1c0e3a","seq":2,"count":1,"row":{…},"events":[…]}

``row``, ``claim`` and ``release`` may stand before the events. Lines without events hold one of ``claim``,
``release``, ``signal`` and ``delivered``.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

__all__ = ["DamagedLine", "decode", "encode", "events_of"]

_OPENING = re.compile(rb'\{"crc":"([0-9a-f]{8})",')
_BATCH = re.compile(rb'"seq":(\d+),"count":(\d+)[,}]')
_EVENTS = b',"events":'


class DamagedLine(ValueError):
    """A line is not what was once written; the text says in which respect."""


def encode(fields: dict[str, Any], payload: bytes | None = None) -> bytes:
    """Return a line, line break included.

    Args:
        fields: What it says; ``seq`` and ``count`` come first when there is a payload.
        payload: The events as JSON, without line breaks.
    """
    body = json.dumps(fields, separators=(",", ":")).encode()[1:]
    if payload is not None:
        body = b"%b%b%b}" % (body[:-1], _EVENTS, payload)
    return b'{"crc":"%08x",%b\n' % (zlib.crc32(body), body)


def decode(line: bytes) -> dict[str, Any]:
    """Return what a line says, without its events.

    Raises:
        DamagedLine: It is not as it was written.
    """
    body = _checked(line)
    if _BATCH.match(body):
        # Strings of the row cannot hold the mark: their quotes are escaped.
        body = body.partition(_EVENTS)[0] + b"}"
    try:
        fields: dict[str, Any] = json.loads(b"{" + body)
    except ValueError:
        raise DamagedLine("it is no JSON object") from None
    return fields


def events_of(line: bytes) -> tuple[int, int, bytes] | None:
    """Return first position, count and payload of a line's events; None when it has none.

    Raises:
        DamagedLine: It is not as it was written.
    """
    body = _checked(line)
    batch = _BATCH.match(body)
    if batch is None:
        return None
    return int(batch[1]), int(batch[2]), body.partition(_EVENTS)[2][:-1]


def _checked(line: bytes) -> bytes:
    opening = _OPENING.match(line)
    if opening is None:
        raise DamagedLine("it does not begin with a checksum")
    body = line[opening.end() : -1]
    if zlib.crc32(body) != int(opening[1], 16):
        raise DamagedLine("its checksum does not match")
    return body
