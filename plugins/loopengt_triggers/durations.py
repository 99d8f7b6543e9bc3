"""Durations as a person writes them: seconds, or ``15m``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

__all__ = ["Seconds", "parse_seconds", "written"]

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_FORM = re.compile(r"(?:(\d{1,9}(?:\.\d{1,3})?)d)?(?:(\d{1,9}(?:\.\d{1,3})?)h)?(?:(\d{1,9}(?:\.\d{1,3})?)m)?"
                   r"(?:(\d{1,9}(?:\.\d{1,3})?)s)?")  # fmt: skip


def parse_seconds(value: object) -> object:
    """Return the seconds that a text stands for; what is no text stays as it is, but for truth values.

    Raises:
        ValueError: The text is no duration.
    """
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is no duration: write seconds, or a text such as 15m")
    if not isinstance(value, str):
        return value
    match = _FORM.fullmatch(value.replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ValueError(
            f"{value[:40]!r} is no duration: write seconds, or a text such as 90s, 15m, 1h30m or 2d"
        )
    return sum(float(part) * size for part, size in zip(match.groups(), _UNITS.values(), strict=True) if part)


def written(seconds: float) -> str:
    """Write seconds as such a text."""
    found, rest = "", seconds
    for unit, size in _UNITS.items():
        count = rest / size if unit == "s" else rest // size
        if count:
            found += f"{count:g}{unit}" if unit == "s" else f"{count:.0f}{unit}"
            rest -= count * size
    return found or "0s"


Seconds = Annotated[float, BeforeValidator(parse_seconds, json_schema_input_type=float | str)]
"""A field that takes seconds or a text."""
