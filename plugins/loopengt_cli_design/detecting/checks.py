"""Finds the languages of a project and the commands that check it, from the files that it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Final, TypeAlias

from loopengt_cli_design.detecting import others, python
from loopengt_cli_design.detecting.check import Check
from loopengt_cli_design.detecting.parts import inside, parts_of
from loopengt_cli_design.detecting.reading import text_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Check", "Findings", "look_over"]

Detector: TypeAlias = "Callable[[Path], tuple[str, list[Check]] | None]"
"""Returns the language and its checks, the tests first; None: the project is not of that language."""

_DETECTORS: tuple[Detector, ...] = (
    python.detect,
    others.node,
    others.go,
    others.rust,
    others.java,
    others.dotnet,
    others.ruby,
    others.php,
    others.elixir,
)

_TARGET: Final = re.compile(r"^(?:[\w./-]+[ \t]+)*test(?:[ \t]+[\w./-]+)*[ \t]*::?(?![:=])", re.MULTILINE)
"""A rule of a Makefile that makes ``test``, and no assignment."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the files of a project speak of."""

    languages: tuple[str, ...]
    checks: tuple[Check, ...]
    """Commands that tell whether it is in order, the tests of each language first."""

    @property
    def tests(self) -> tuple[Check, ...]:
        """Those of the checks that run tests."""
        return tuple(check for check in self.checks if check.tests)


def look_over(project: Path) -> Findings:
    """Find the languages and the checks of a project; what cannot be read is passed over.

    Where nothing at the top runs tests, those of its parts count, as in a repository of several projects.

    Args:
        project: The project folder.
    """
    languages, checks = _look_at(project)
    if not any(check.tests for check in checks):
        for part in parts_of(project):
            of_part, checks_of_part = _look_at(part)
            languages += (each for each in of_part if each not in languages)
            checks += (inside(part.relative_to(project).as_posix(), check) for check in checks_of_part)
    return Findings(tuple(languages), tuple(_distinct(checks)))


def _look_at(folder: Path) -> tuple[list[str], list[Check]]:
    languages: list[str] = []
    checks: list[Check] = []
    for detector in _DETECTORS:
        found = detector(folder)
        if found is not None:
            languages.append(found[0])
            checks += found[1]
    if not any(check.tests for check in checks):
        checks[:0] = _makefile(folder)
    return languages, checks


def _makefile(project: Path) -> Iterator[Check]:
    """Yield ``make test`` where a Makefile has that target: it says best what no language tells."""
    for name in ("Makefile", "makefile", "GNUmakefile"):
        if _TARGET.search(text_of(project / name)):
            yield Check("make-test", ("make", "test"), "The tests pass.", tests=True)
            return


def _distinct(checks: list[Check]) -> Iterator[Check]:
    """Give checks of one name, of several languages, names of their own."""
    taken: set[str] = set()
    for check in checks:
        program = check.command[0].strip("./")
        own = (f"{check.name}-{word}" for word in chain(() if program == "sh" else (program,), count(2)))
        name = check.name if check.name not in taken else next(each for each in own if each not in taken)
        taken.add(name)
        yield check._replace(name=name, shown=check.shown or shlex.join(check.command))
