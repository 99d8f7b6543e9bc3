"""Turns the docstrings of the contracts into Markdown."""

from __future__ import annotations

import inspect
import re
from textwrap import dedent

__all__ = ["cell", "first_line", "inline", "markdown"]

_SECTIONS = {"Args": "Arguments", "Returns": "Returns", "Raises": "Raises", "Yields": "Yields"}
_ENTRY = re.compile(r"([*\w][\w*, ]*): (.*)", re.DOTALL)


def inline(text: str) -> str:
    """Return running text with the literals of reStructuredText as those of Markdown, on one line."""
    return " ".join(text.replace("``", "`").split())


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return inline(text).replace("|", "\\|")


def first_line(doc: str) -> str:
    """Return the first paragraph of a docstring."""
    return inline(inspect.cleandoc(doc).split("\n\n")[0])


def markdown(doc: str) -> str:
    """Return a docstring as Markdown: sections as lists, literal blocks as code."""
    parts: list[str] = []
    blocks = re.split(r"\n\n(?=\S)", inspect.cleandoc(doc))
    for block in blocks:
        head, _, body = block.partition("\n")
        name = head.removesuffix(":")
        if head.endswith(":") and name in _SECTIONS and body.startswith("    "):
            parts.append(_section(_SECTIONS[name], dedent(body)))
        elif "::\n" in f"{block}\n":
            parts.append(_with_code(block))
        elif re.search(r"^- ", block, re.MULTILINE):
            parts.append(re.sub(r"\n {2,}", " ", block.replace("``", "`")))
        else:
            parts.append(inline(block))
    return "\n\n".join(parts)


def _section(title: str, body: str) -> str:
    entries = re.split(r"\n(?=\S)", body)
    matches = [_ENTRY.fullmatch(entry) for entry in entries]
    if title in ("Returns", "Yields") or not all(matches):
        return f"{title}: {inline(body)}"
    lines = [f"- `{match[1]}`: {inline(match[2])}" for match in matches if match]
    return f"{title}:\n\n" + "\n".join(lines)


def _with_code(block: str) -> str:
    text, _, code = block.partition("::\n")
    lines = code.strip("\n").split("\n")
    ends = next((n for n, line in enumerate(lines) if line and not line.startswith("    ")), len(lines))
    shown, rest = dedent("\n".join(lines[:ends])).strip("\n"), "\n".join(lines[ends:])
    is_python = re.search(r"^(class|def|async def|import|from) ", shown, re.MULTILINE)
    fence = "```python" if is_python else "<!-- test: as=data -->\n```yaml"
    parts = [f"{inline(text)}:", f"{fence}\n{shown}\n```", inline(rest)]
    return "\n\n".join(part for part in parts if part)
