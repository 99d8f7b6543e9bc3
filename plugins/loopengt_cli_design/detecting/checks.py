"""Finds the languages of a project and the commands that check it, from the files that it has."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from loopengt_cli_design.detecting import others, python
from loopengt_cli_design.detecting.check import Check
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

    @property
    def in_words(self) -> str:
        """Languages and checks, in one line."""
        checks = ", ".join(check.shown for check in self.checks)
        return f"{', '.join(self.languages) or 'no language was recognised'}; {checks or 'no checks'}"


def look_over(project: Path) -> Findings:
    """Find the languages and the checks of a project; what cannot be read is passed over.

    Args:
        project: The project folder.
    """
    languages: list[str] = []
    checks: list[Check] = []
    for detector in _DETECTORS:
        found = detector(project)
        if found is not None:
            languages.append(found[0])
            checks += found[1]
    if not any(check.tests for check in checks):
        checks[:0] = _makefile(project)
    return Findings(tuple(languages), tuple(_distinct(checks)))


def _makefile(project: Path) -> Iterator[Check]:
    """Yield ``make test`` where a Makefile has that target: it says best what no language tells."""
    for name in ("Makefile", "makefile", "GNUmakefile"):
        lines = text_of(project / name).splitlines()
        if any(line.startswith("test:") and not line.startswith("test:=") for line in lines):
            yield Check("make-test", ("make", "test"), "The tests pass.", tests=True)
            return


def _distinct(checks: list[Check]) -> Iterator[Check]:
    """Give checks of one name, of several languages, names of their own."""
    taken: set[str] = set()
    for check in checks:
        name = check.name if check.name not in taken else f"{check.name}-{check.command[0].strip('./')}"
        taken.add(name)
        yield check._replace(name=name, shown=check.shown or shlex.join(check.command))
