"""Reads and writes figures: durations as options, sizes for people."""

from __future__ import annotations

import re

import click

__all__ = ["children_text", "duration", "size_text"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.ASCII)


def duration(text: str) -> float:
    """Read a time such as ``30d`` and return it in seconds.

    Raises:
        BadParameter: It is none.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise click.BadParameter(f"{text!r} is no time; write a number and s, m, h, d or w, such as 30d.")
    return float(found[1]) * _UNITS[found[2]]


def size_text(size: float) -> str:
    """Write a number of bytes, such as ``1.2 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit returns")


def children_text(number: int, joint: str = ", ") -> str:
    """Write how many runs of sub-loops there are, such as ``, 2 runs of sub-loops``; nothing for none."""
    if not number:
        return ""
    return f"{joint}1 run of a sub-loop" if number == 1 else f"{joint}{number} runs of sub-loops"
