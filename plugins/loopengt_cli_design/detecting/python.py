"""Recognises Python projects, with pytest or unittest, and ruff."""

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
_UNITTEST = Check(
    "tests",
    ("python3", "-m", "unittest"),
    "The tests pass, and there are some.",
    tests=True,
    # Before Python 3.12 a run of no tests succeeds.
    output_pattern=r"Ran [1-9]\d* test",
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
_MOST_READ: Final = 100
"""Test files that are read."""
_NAMING: Final = (
    *_MARKS,
    "requirements-dev.txt",
    "dev-requirements.txt",
    "requirements/dev.txt",
    "noxfile.py",
)
"""Files that name pytest where it is used."""
_IMPORTS_UNITTEST: Final = re.compile(r"^\s*(?:import|from)\s+unittest\b(?!\.mock)", re.MULTILINE)
_NEEDS_PYTEST: Final = re.compile(r"^(?:async )?def test_|^\s*(?:import|from)\s+pytest\b", re.MULTILINE)


def detect(project: Path) -> tuple[str, list[Check]] | None:
    """Recognise a project in Python."""
    tools = toml_of(project / "pyproject.toml").get("tool")
    tools = tools if isinstance(tools, dict) else {}
    found = []
    files = [path for path in _likely_tests(project) if _TEST_FILE.fullmatch(path.name)]
    if "pytest" in tools or files or _configures_pytest(project):
        found.append(_tests(project, files))
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


def _configures_pytest(project: Path) -> bool:
    if has_file(project, *_PYTEST_FILES):
        return True
    return any(section in text_of(project / name) for name, section in _PYTEST_SECTIONS.items())


def _tests(project: Path, files: list[Path]) -> Check:
    """Return what runs the tests: unittest where nothing speaks of pytest, which runs tests of both."""
    if all(path.name == "conftest.py" for path in files):
        return _PYTEST._replace(proves="The tests pass, and there are some.", min_tests=False)
    if has_file(project, *_PYTEST_FILES) or any("pytest" in text_of(project / name) for name in _NAMING):
        return _PYTEST
    texts = [text_of(path) for path in files[:_MOST_READ]]
    if any(map(_NEEDS_PYTEST.search, texts)) or not any(map(_IMPORTS_UNITTEST.search, texts)):
        return _PYTEST
    for folder in ("tests", "test"):
        if has_file(project, f"{folder}/__init__.py") or not (project / folder).is_dir():
            continue
        # From the top unittest finds tests in packages only.
        return _UNITTEST._replace(command=(*_UNITTEST.command, "discover", "-s", folder))
    return _UNITTEST


def _likely_tests(project: Path) -> Iterator[Path]:
    """Yield files where tests usually are; of a huge folder only the first ones."""
    seen = 0
    try:
        yield from sorted(project.iterdir())
    except OSError:
        return
    for name in ("tests", "test"):
        # It follows no links, and passes over what is unreadable.
        for folder, _, names in os.walk(project / name):
            yield from (project / folder / each for each in sorted(names))
            seen += len(names)
            if seen > _MOST_FILES:
                return
