"""Reads from an answer's headers how long a service wants to be left alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["seconds_to_wait"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a service asks to wait; None: it does not say.

    Read are ``retry-after-ms``, ``Retry-After`` (seconds or an HTTP date), and ``x-ratelimit-reset-*`` of the limits
    that are used up.

    Args:
        headers: By name in lower case.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    if told is not None and (seconds := _number(told)) is None:
        return _until(told)
    return seconds if told is not None else _reset(headers)


def _reset(headers: Mapping[str, str]) -> float | None:
    waits = []
    for what in ("requests", "tokens"):
        used_up = _number(headers.get(f"x-ratelimit-remaining-{what}")) in (None, 0.0)
        wait = _duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        if used_up and wait is not None:
            waits.append(wait)
    return max(waits, default=None)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if value >= 0 and math.isfinite(value) else None


def _until(date: str) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())


def _duration(text: str) -> float | None:
    """Return the seconds of a duration such as ``6m0s`` or ``20ms``; a bare number is seconds."""
    if (seconds := _number(text or None)) is not None:
        return seconds
    parts = _DURATION.findall(text)
    if not parts or "".join(map("".join, parts)) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
