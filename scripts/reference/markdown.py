"""Writes Markdown: tables, and texts that stand in their cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["cell", "code", "head", "prose", "table"]


def head(title: str, text: str) -> str:
    """Return the beginning of a page."""
    note = "<!-- Written by scripts/generate-reference: change what it is made of, and run it. -->"
    return f"# {title}\n\n{note}\n\n{text.strip()}\n"


def cell(text: str) -> str:
    """Return a text as it can stand in a cell."""
    return prose(re.sub(r"\s+", " ", text)).replace("|", "\\|")


def code(text: object) -> str:
    """Return a text as code for a cell."""
    shown = str(text).replace("|", "\\|")
    return f"`{shown}`" if shown else ""


def prose(text: str) -> str:
    """Return a docstring or help text: double backquotes become single ones, and nothing in it is a tag or emphasis."""
    parts = re.split(r"(``.+?``|`[^`]+`)", text)
    return "".join(f"`{part.strip('`')}`" if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    text = re.sub(r"([*\[\]])", r"\\\1", text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its cells are taken as they are."""
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
