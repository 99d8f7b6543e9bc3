"""Finds the blocks of code of the pages, with the marks that say how each is tested.

A mark is an HTML comment before the block, ``<!-- test: key=value; key=value -->``:

- ``skip=REASON``: not executed, since it needs what a test has not; its commands are still parsed;
- ``exit=N``: the exit code that its last command ends with (default 0);
- ``as=KIND``: what a block of YAML, TOML or text is, where it does not say so itself (see ``checks.py``);
- ``file=PATH``: where the block stands in the scratch project; ``title="PATH"`` behind the fence says it, too.

``<!-- test-page: project=NAME; WORD=VALUE -->`` names the scratch project in which the page's commands are executed, in
the order of the page, and what stands for a WORD. A page without it is checked, and not executed: each of its
blocks with commands says why, by ``skip``. Commands that only install are taken for done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["ROOT", "Block", "Page", "marks_of", "pages", "read_page"]

ROOT = Path(__file__).resolve().parents[2]

MARKS = frozenset({"as", "exit", "file", "skip"})
_MARK = re.compile(r"<!--\s*(test|test-page):\s*(.*?)\s*-->", re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: str
    """Path of its page, from the root of the project."""
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file of the scratch project that it is, if it is one."""
        return self.marks.get("file")

    @property
    def is_shell(self) -> bool:
        """Whether it holds commands."""
        return self.language in ("sh", "console")


@dataclass(frozen=True)
class Page:
    """A page with its blocks."""

    path: str
    blocks: tuple[Block, ...]
    marks: dict[str, str]
    problem: str = ""
    """Why it could not be read."""

    @property
    def project(self) -> str | None:
        """Name of the scratch project in which it is executed."""
        return self.marks.get("project")

    @property
    def words(self) -> dict[str, str]:
        """What stands for words of its commands."""
        return {word: value for word, value in self.marks.items() if word != "project"}


def marks_of(text: str) -> dict[str, str]:
    """Read ``key=value; key=value``.

    Raises:
        ValueError: A part is of another form.
    """
    marks = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, equals, value = part.partition("=")
        if not equals or not value.strip():
            raise ValueError(f"{part!r} is not key=value")
        marks[key.strip()] = value.strip()
    return marks


def read_page(path: str, text: str) -> Page:
    """Find the blocks of a page.

    Raises:
        ValueError: A mark is unknown, of another form, or stands before no block.
    """
    page_marks: dict[str, str] = {}
    waiting: dict[str, str] = {}
    blocks = []
    for token in MarkdownIt("commonmark").parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "html_block":
            try:
                for kind, said in _MARK.findall(token.content):
                    (page_marks if kind == "test-page" else waiting).update(marks_of(said))
            except ValueError as exc:
                raise ValueError(f"{path}:{line}: {exc}") from exc
        elif token.type == "fence":
            language, _, rest = token.info.strip().partition(" ")
            title = _TITLE.search(rest)
            marks = ({"file": title[1]} if title else {}) | waiting
            unknown = set(marks) - MARKS
            if unknown:
                raise ValueError(f"{path}:{line}: there is no mark {', '.join(sorted(unknown))}")
            blocks.append(Block(path, line, language or "text", token.content, marks))
            waiting = {}
        elif waiting and token.type in ("inline", "heading_open", "code_block"):
            raise ValueError(f"{path}:{line}: a mark stands before no block: {waiting}")
    if waiting:
        raise ValueError(f"{path}: the last mark stands before no block: {waiting}")
    return Page(path, tuple(blocks), page_marks)


@cache
def pages() -> tuple[Page, ...]:
    """Read README.md, CONTRIBUTING.md and every page of docs/; what is wrong with one stands in it."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(map(_page, files))


def _page(file: Path) -> Page:
    path = file.relative_to(ROOT).as_posix()
    try:
        return read_page(path, file.read_text(encoding="utf-8"))
    except ValueError as exc:
        return Page(path, (), {}, problem=str(exc))
