"""Writes what a command says: on stderr, without control characters."""

from __future__ import annotations

from contextlib import suppress

import click

from loopengt.display import visible

__all__ = ["lines_of", "say"]


def say(line: str = "") -> None:
    """Print a line for people; a stderr that nobody reads any more is no reason to fail."""
    with suppress(BrokenPipeError):
        click.echo(line, err=True)


def lines_of(text: str, most: int = 20, width: int = 500) -> list[str]:
    """Return the lines of a text of any origin, fit for a terminal, at most so many and so wide."""
    lines = [
        visible(line[:width].rstrip(), keep="\t") for line in text[: 2 * most * width].strip().splitlines()
    ]
    return [*lines[:most], "…"] if len(lines) > most else lines
