"""Counts the tests that really ran, from pytest's closing line or a JUnit XML file."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, BinaryIO
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["JUnitReport", "count_in_closing_line"]

_CLOSING_LINE = re.compile(
    r"=*\s*(?P<counts>\d+ [a-z]+(?:, \d+ [a-z]+)*|no tests ran) in [\d.]+s(?: \([^()]*\))?\s*=*"
)
_COUNT = re.compile(r"(\d+) (passed|failed)")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_PROLOGUE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>)?\s*(?:<!--.*?-->\s*)*<[A-Za-z]", re.DOTALL)
_LONGEST_PROLOGUE = 10_000
_LARGEST_REPORT = 50_000_000


def count_in_closing_line(output: str) -> int | None:
    """Tests that passed or failed, from the last closing line that pytest has printed; None: there is none.

    What was skipped, deselected, expected to fail, or broken before it ran does not count.
    """
    for line in reversed(output.splitlines()):
        found = _CLOSING_LINE.fullmatch(_COLOUR.sub("", line).strip()) if " in " in line else None
        if found is not None:
            return sum(int(number) for number, _ in _COUNT.findall(found["counts"]))
    return None


class JUnitReport:
    """The JUnit XML file that a command writes.

    Make it before the command runs: a file that the command has not written anew says nothing about it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before = self._stamp()

    @classmethod
    def of(cls, command: Sequence[str] | str, cwd: Path) -> JUnitReport | None:
        """The report that ``--junitxml=PATH`` (or ``--junit-xml``) in the command names, or None."""
        path = None
        words = _words(command)
        for word, following in zip(words, [*words[1:], ""], strict=True):
            name, equals, value = word.partition("=")
            if name in ("--junitxml", "--junit-xml"):
                path = value if equals else following
        return cls(cwd / path) if path else None

    def count(self) -> int | None:
        """Tests that passed or failed; None when the file is not there, not new, or cannot be read."""
        stamp = self._stamp()
        if stamp is None or stamp == self._before or stamp[1] > _LARGEST_REPORT:
            return None
        try:
            with self.path.open("rb") as file:
                # The agent may have written it: without a document type there are no entities that grow.
                if not _PROLOGUE.match(file.read(_LONGEST_PROLOGUE)):
                    return None
                file.seek(0)
                return _count_cases(file)
        except (OSError, ElementTree.ParseError):
            return None

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _count_cases(file: BinaryIO) -> int:
    count = 0
    for _, element in ElementTree.iterparse(file):  # noqa: S314 - entities have been refused
        if element.tag == "testcase":
            count += element.find("skipped") is None and element.find("error") is None
            element.clear()
    return count


def _words(command: Sequence[str] | str) -> list[str]:
    if not isinstance(command, str):
        return list(command)
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
