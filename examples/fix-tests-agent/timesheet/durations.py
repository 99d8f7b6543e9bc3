"""Durations as people write them."""

from __future__ import annotations

import re

WRITTEN = re.compile(r"(?:(?P<hours>\d+)h)?\s*(?:(?P<minutes>\d+)m)?")
CLOCK = re.compile(r"(?P<hours>\d+):(?P<minutes>[0-5]\d)")


def parse_duration(text: str) -> int:
    """Read a duration such as ``1:30``, ``2h``, ``1h 30m`` or ``45m``, in minutes.

    Raises:
        ValueError: It is none of these.
    """
    found = CLOCK.fullmatch(text.strip()) or WRITTEN.fullmatch(text.strip())
    if found is None or not found["hours"]:
        raise ValueError(f"{text!r} is not a duration")
    return int(found["hours"]) * 60 + int(found["minutes"] or 0)


def show_duration(minutes: int) -> str:
    """Write minutes as ``1:30``."""
    return f"{minutes // 60}:{minutes % 60:02}"
