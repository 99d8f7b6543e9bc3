"""Writes commands and skills in the form that each tool reads, and knows them again later."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from loopengt_hookspecs.adapters import InstalledFile

if TYPE_CHECKING:
    from loopengt_adapters.tools.description import Form

__all__ = ["NAMES", "FileStanding", "marked", "render", "standing_of"]

NAMES = ("approve", "design", "run", "trace")

FileStanding: TypeAlias = Literal["missing", "installed", "stale", "edited", "foreign"]

_FOLDER = Path(__file__).parent.parent / "texts"
_MARK = re.compile(r"\n(?:<!--|#) loopengt:([0-9a-f]{16})(?: -->)?\n?\Z")


class _Text(NamedTuple):
    description: str
    body: str


def render(name: str, form: Form, *, gate: str = "") -> str:
    """Return a text in the form of a tool.

    Args:
        name: One of ``NAMES``.
        form: The form.
        gate: The text about the Stop gate that is added to the one about running; empty: none.
    """
    text = _read(name)
    body = f"{text.body}\n{_read(gate).body}" if gate and name == "run" else text.body
    if form == "skill":
        # A JSON text is a YAML text: a colon in a description does no harm.
        return f"---\nname: loopengt-{name}\ndescription: {_quoted(text.description)}\n---\n\n{body}"
    if form == "workflow":
        return f"---\ndescription: {_quoted(text.description)}\n---\n\n{body}"
    if form == "prompt":
        return f"---\ndescription: {_quoted(text.description)}\nagent: agent\n---\n\n{body}"
    if form == "gemini":
        return f"description = {_quoted(text.description)}\nprompt = '''\n{body}\n{{{{args}}}}\n'''\n"
    return f"# loopengt: {name}\n\n{text.description}\n\n{body}"


def marked(file: InstalledFile) -> str:
    """Return what is written: the text and, at its end, the line by which it is known again."""
    mark = f"loopengt:{file.digest}"
    return f"{file.text}\n{f'<!-- {mark} -->' if file.path.suffix == '.md' else f'# {mark}'}\n"


def standing_of(file: InstalledFile, found: bytes | None) -> FileStanding:
    """Say what stands at a file's place: nothing, it, an older text of ours, an edited one, or another's."""
    if found is None:
        return "missing"
    text = found.decode("utf-8", "replace").replace("\r\n", "\n")
    if text == marked(file):
        return "installed"
    mark = _MARK.search(text)
    if mark is None:
        return "foreign"
    was = InstalledFile(file.path, text[: mark.start()])
    return "stale" if was.digest == mark[1] else "edited"


@cache
def _read(name: str) -> _Text:
    """Read a text: its first paragraph is the description."""
    description, _, body = (_FOLDER / f"{name}.md").read_text(encoding="utf-8").partition("\n\n")
    return _Text(" ".join(description.split()), body)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
