"""Looks a project and a machine over for what a first loop needs: checks to pass, and an agent to work."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Check", "Helper", "find_checks", "find_helper"]


class Check(NamedTuple):
    """A command that tells whether a project is in order."""

    name: str
    shown: str
    """The command, as one types it."""
    gate: str
    """The gate that runs it, as an item of a YAML list."""


class Helper(NamedTuple):
    """A coding agent that can be called as a command."""

    program: str
    key: str
    """Environment variable of the key that it can be given in place of a login."""
    options: str
    """How the provider ``command`` calls it, as YAML."""


_PYTEST = Check(
    "tests",
    "pytest -q",
    """\
- name: tests
  description: The tests pass, and none has been lost on the way.
  kind: command
  command: [pytest, -q]
  min_tests: 1 # write the number of tests that you have
""",
)
_RUFF = Check(
    "lint",
    "ruff check .",
    """\
- name: lint
  description: ruff has no finding left.
  kind: command
  # A run may work in a copy below .loopengt/, where git ignores what ruff is to look at.
  command: [ruff, check, --no-respect-gitignore, --extend-exclude, .loopengt, .]
""",
)
_NPM = Check(
    "npm-test",
    "npm test",
    """\
- name: npm-test
  description: The package's test script passes.
  kind: command
  command: [npm, test]
""",
)

_HELPERS = (
    Helper(
        "claude",
        "ANTHROPIC_API_KEY",
        """\
command: [claude, -p, --permission-mode, acceptEdits, --output-format, json]
output: json # with what it cost
""",
    ),
    Helper(
        "codex",
        "OPENAI_API_KEY",
        """\
command: [codex, exec, -s, workspace-write, --skip-git-repo-check, "-"]
output: text
""",
    ),
    Helper(
        "gemini",
        "GEMINI_API_KEY",
        """\
command: [gemini, --approval-mode, auto_edit]
output: text
""",
    ),
)

_PYTEST_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", "conftest.py")
_PYTEST_SECTIONS = {"tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
_TEST_FILE = re.compile(r"test_\w+\.py|\w+_test\.py|conftest\.py")
_NO_TESTS = "no test specified"
"""What npm's own placeholder of a test script prints."""


def find_checks(project: Path) -> list[Check]:
    """Return the checks that a project's files speak of, the tests first."""
    pyproject = _toml(project / "pyproject.toml")
    tools = pyproject.get("tool")
    tools = tools if isinstance(tools, dict) else {}
    found = []
    if "pytest" in tools or _uses_pytest(project):
        found.append(_PYTEST)
    if "ruff" in tools or any((project / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
        found.append(_RUFF)
    if _has_test_script(project / "package.json"):
        found.append(_NPM)
    return found


def find_helper(project: Path, environ: Mapping[str, str]) -> Helper | None:
    """Return the first known coding agent on PATH; its key is handed over when it is set.

    Args:
        project: The project folder.
        environ: The environment.
    """
    from loopengt.processes import base_environment, find_program

    for helper in _HELPERS:
        if find_program(helper.program, project, base_environment()) is not None:
            return helper._replace(options=helper.options + _key_line(helper, environ))
    return None


def _key_line(helper: Helper, environ: Mapping[str, str]) -> str:
    line = f"pass_env: [{helper.key}]"
    return f"{line}\n" if environ.get(helper.key) else f"# {line} # when it signs in with a key\n"


def _uses_pytest(project: Path) -> bool:
    if any((project / name).is_file() for name in _PYTEST_FILES):
        return True
    if any(section in _text(project / name) for name, section in _PYTEST_SECTIONS.items()):
        return True
    return any(_TEST_FILE.fullmatch(path.name) for path in _likely_tests(project))


def _likely_tests(project: Path) -> Iterator[Path]:
    try:
        yield from project.iterdir()
        for folder in ("tests", "test"):
            yield from (project / folder).rglob("*.py")
    except OSError:
        return


def _has_test_script(file: Path) -> bool:
    try:
        package = json.loads(_text(file) or "null")
    except (ValueError, RecursionError):
        return False
    scripts = package.get("scripts") if isinstance(package, dict) else None
    script = scripts.get("test") if isinstance(scripts, dict) else None
    return isinstance(script, str) and bool(script.strip()) and _NO_TESTS not in script


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _text(file: Path) -> str:
    """The text of a file; empty when it cannot be read, which is no reason not to start."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
