"""Recognises Python projects, with pytest, ruff and mypy."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from loopengt_cli_design.detecting.check import Check
from loopengt_cli_design.detecting.reading import has_file, text_of, toml_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["detect"]

_PYTEST = Check(
    "tests",
    ("pytest", "-q"),
    "The tests pass, and none has been lost on the way.",
    tests=True,
    min_tests=True,
)
_RUFF = Check(
    "lint",
    ("ruff", "check", "--no-respect-gitignore", "--extend-exclude", ".loopengt", "."),
    "ruff has no finding left.",
    shown="ruff check .",
    remark="A run may work in a copy below .loopengt/, where git ignores what ruff is to look at.",
)
_MARKS: Final = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "tox.ini")
_PYTEST_FILES: Final = ("pytest.ini", ".pytest.ini", "pytest.toml", "conftest.py")
_PYTEST_SECTIONS: Final = {"tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
_TEST_FILE: Final = re.compile(r"test_\w+\.py|\w+_test\.py|conftest\.py")
_MOST_FILES: Final = 5_000


def detect(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a project in Python."""
    tools = toml_of(project / "pyproject.toml").get("tool")
    tools = tools if isinstance(tools, dict) else {}
    found = []
    if "pytest" in tools or _uses_pytest(project):
        found.append(_PYTEST)
    if "ruff" in tools or has_file(project, "ruff.toml", ".ruff.toml"):
        found.append(_RUFF)
    if found or has_file(project, *_MARKS) or _has_source(project):
        return "Python", found
    return None


def _has_source(project: Path) -> bool:
    try:
        return any(path.suffix == ".py" for path in project.iterdir())
    except OSError:
        return False


def _uses_pytest(project: Path) -> bool:
    if has_file(project, *_PYTEST_FILES):
        return True
    if any(section in text_of(project / name) for name, section in _PYTEST_SECTIONS.items()):
        return True
    return any(_TEST_FILE.fullmatch(name) for name in _likely_tests(project))


def _likely_tests(project: Path) -> Iterator[str]:
    """Yield names of files where tests usually are; of a huge folder only the first ones."""
    seen = 0
    try:
        yield from (path.name for path in project.iterdir())
    except OSError:
        return
    for folder in ("tests", "test"):
        for _, _, names in os.walk(
            project / folder
        ):  # which follows no links, and passes over what is unreadable
            yield from names
            seen += len(names)
            if seen > _MOST_FILES:
                return
