"""Searches the text files of a workspace, line by line; also the program that does it for regular expressions."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.tools import ToolError
from loopengt_tools.confined import Place, located, open_file, open_folder
from loopengt_tools.globs import Glob
from loopengt_tools.stop import Stop
from loopengt_tools.text import is_binary, printable
from loopengt_tools.walking import Walk

if TYPE_CHECKING:
    from loopengt_tools.walking import Found

__all__ = ["Search", "main", "search"]

Finder = Callable[[str], int | None]
"""Returns where in a line the match begins; None: there is none."""

_MOST_BYTES = 10_000_000
_MOST_NOTED = 5
_WIDTH = 400


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, and where."""

    workspace: str
    path: str
    query: str
    regex: bool
    ignore_case: bool
    files: str | None
    """Pattern of the files to search; None: all."""
    context: int
    """Lines to show around each match."""
    limit: int
    """Most matches."""


def search(wanted: Search, stop: Stop) -> str:
    """Search, and return the matches as text, one a line.

    Raises:
        ToolError: There is no such folder or file, or the expression or the pattern is none.
    """
    return _Searcher(wanted, stop).run()


def main(given: dict[str, Any]) -> None:
    """Search in a process of its own, and print the outcome as JSON: what takes for ever can be ended from outside."""
    try:
        told = {"text": search(Search(**given), Stop())}
    except ToolError as error:
        told = {"error": str(error)}
    json.dump(told, sys.stdout)


class _Searcher:
    def __init__(self, wanted: Search, stop: Stop) -> None:
        self._wanted = wanted
        self._stop = stop
        self._find = _finder(wanted)
        self._needle = b"" if wanted.regex or wanted.ignore_case else wanted.query.encode("utf-8", "replace")
        self._glob = None if wanted.files is None else Glob(wanted.files)
        self._lines: list[str] = []
        self._matches = 0
        self._too_large: list[str] = []

    def run(self) -> str:
        walk = Walk(self._stop)
        with located(Path(self._wanted.workspace), self._wanted.path) as place:
            for path, data in self._texts(place, walk):
                self._stop.check()
                self._add(path, data)
                if self._matches > self._wanted.limit:
                    break
        return "\n".join([*self._lines, *(f"[{note}]" for note in self._notes(walk))])

    def _texts(self, place: Place, walk: Walk) -> Iterator[tuple[str, str]]:
        found = place.look()
        if found is not None and not _is_folder(found):
            yield from self._text(open_file(place), place.path)
            return
        folder = open_folder(place)
        try:
            for entry in walk.through(folder):
                if entry.kind == "file" and (self._glob is None or self._glob.matches(entry.parts)):
                    yield from self._entry(entry, place)
        finally:
            os.close(folder)

    def _entry(self, entry: Found, place: Place) -> Iterator[tuple[str, str]]:
        parts = (*place.parts, *entry.parts)
        path = "/".join(map(printable, parts))
        try:
            file = open_file(Place(entry.folder, entry.name, parts, path))
        except (OSError, ToolError):  # gone, swapped for something else, or closed to us
            return
        yield from self._text(file, path)

    def _text(self, file: int, path: str) -> Iterator[tuple[str, str]]:
        with os.fdopen(file, "rb") as opened:
            if is_binary(opened.peek()):
                return
            if os.fstat(file).st_size > _MOST_BYTES:
                self._too_large.append(path)
                return
            data = opened.read(_MOST_BYTES)
        if self._needle in data:
            yield path, data.decode("utf-8", "replace")

    def _add(self, path: str, text: str) -> None:
        lines = text.split("\n")
        around = self._wanted.context
        last = -1  # the last line that is shown so far
        for number, line in enumerate(lines):
            at = self._find(line)
            if at is None:
                continue
            self._matches += 1
            if self._matches > self._wanted.limit:
                return
            start = max(last + 1, number - around)
            if around and self._lines and (start > last + 1 or last < 0):
                self._lines.append("--")
            # Lines behind a match are shown when it is certain that none of them matches itself.
            self._lines += [f"{path}-{n + 1}-{_shown(lines[n])}" for n in range(start, number)]
            self._lines.append(f"{path}:{number + 1}:{_shown(line, at)}")
            last = number
            for behind in range(number + 1, min(number + 1 + around, len(lines))):
                if self._find(lines[behind]) is not None:
                    break
                self._lines.append(f"{path}-{behind + 1}-{_shown(lines[behind])}")
                last = behind

    def _notes(self, walk: Walk) -> list[str]:
        notes = walk.notes()
        if self._matches > self._wanted.limit:
            notes.append(f"more than {self._wanted.limit} matches: narrow it with path or files")
        elif not self._matches:
            notes.insert(0, "no matches")
        if self._too_large:
            named = ", ".join(self._too_large[:_MOST_NOTED])
            notes.append(f"not searched, for they have more than {_MOST_BYTES:,} bytes: {named}")
        return notes


def _finder(wanted: Search) -> Finder:
    query = wanted.query
    if wanted.regex:
        try:
            pattern = re.compile(query, re.IGNORECASE if wanted.ignore_case else 0)
        except (re.error, RecursionError, OverflowError) as error:
            raise ToolError(f"the regular expression cannot be used: {error}") from None

        def by_pattern(line: str) -> int | None:
            found = pattern.search(line)
            return None if found is None else found.start()

        return by_pattern
    lowered = query.lower() if wanted.ignore_case else query

    def by_text(line: str) -> int | None:
        at = (line.lower() if wanted.ignore_case else line).find(lowered)
        return None if at < 0 else at

    return by_text


def _shown(line: str, at: int = 0) -> str:
    """A line; of a long one the part around the match."""
    line = line.rstrip("\r")
    if len(line) <= _WIDTH:
        return line
    start = max(0, min(at - _WIDTH // 4, len(line) - _WIDTH))
    head, end = "…" if start else "", "…" if start + _WIDTH < len(line) else ""
    return f"{head}{line[start : start + _WIDTH]}{end}"


def _is_folder(found: os.stat_result) -> bool:
    return S_ISDIR(found.st_mode)
