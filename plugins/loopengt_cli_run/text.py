"""Writes what a command says: on stderr, without control characters, figures with their units."""

from __future__ import annotations

from contextlib import suppress

import click

__all__ = ["dollars", "duration", "lines_of", "say"]


def say(line: str = "") -> None:
    """Print a line for people; a stderr that nobody reads any more is no reason to fail."""
    with suppress(BrokenPipeError):
        click.echo(line, err=True)


def lines_of(text: str, most: int = 20, width: int = 500) -> list[str]:
    """Return the lines of a text of any origin, fit for a terminal, at most so many and so wide."""
    lines = [_visible(line[:width].rstrip()) for line in text[: 2 * most * width].strip().splitlines()]
    return [*lines[:most], "…"] if len(lines) > most else lines


def duration(seconds: float) -> str:
    """Write a duration, such as ``0.4s``, ``2m 05s`` or ``1h 02m``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def dollars(known: float, unknown: int) -> str:
    """Write a cost: what is known of it, and how many calls there are of which nobody knows it."""
    if unknown and not known:
        return "cost unknown"
    return f"at least ${known:.4f}" if unknown else f"${known:.4f}"


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text)
