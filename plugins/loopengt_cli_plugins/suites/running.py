"""Runs pytest on the suites and on a package's own tests, each in a process of its own."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_cli_plugins.checking.findings import ProbedPlugin
    from loopengt_cli_plugins.subjects import Subject

__all__ = ["REPORT", "Outcome", "check_pytest", "run_own_tests", "run_suites"]

REPORT = "LOOPENGT_PLUGINS_TEST_REPORT"
"""Name of the environment variable with the path of the file that ``reporting`` writes."""

PATIENCE = 1800
"""Seconds after which tests count as hanging."""

NO_TESTS = 5
"""Exit code of pytest that has found none."""

SUITES = """\
from loopengt_cli_plugins.suites.cases import make_suites

globals().update(make_suites())
"""


@dataclass(slots=True)
class Outcome:
    """What came of one run of pytest."""

    tests: list[dict[str, str]] = field(default_factory=list)
    """How each test came out, as ``reporting`` writes it."""
    code: int = 0
    output: str = ""

    @property
    def failed(self) -> list[dict[str, str]]:
        """The tests that failed."""
        return [test for test in self.tests if test["outcome"] == "failed"]

    @property
    def is_good(self) -> bool:
        """Whether nothing failed; no tests at all are no failure."""
        return self.code in (0, NO_TESTS) and not self.failed


def check_pytest() -> None:
    """Refuse to go on without pytest, which is no requirement of loopengt.

    Raises:
        UsageError: It is not installed.
    """
    if find_spec("pytest") is None:
        raise UsageError(
            "pytest is not installed", remedy=f"{sys.executable} -m pip install pytest pytest-asyncio"
        )


def run_suites(subject: Subject, plugins: Sequence[ProbedPlugin]) -> Outcome:
    """Hold everything that the plugins register against the suites of the test kit."""
    from loopengt_cli_plugins.suites.cases import CASES, describe

    with TemporaryDirectory(prefix="loopengt-suites-") as folder:
        file = Path(folder) / "test_suites.py"
        file.write_text(SUITES, encoding="utf-8")
        (Path(folder) / "pytest.ini").write_text(_configuration(), encoding="utf-8")
        words = ["-c", str(file.with_name("pytest.ini")), "--rootdir", folder, str(file)]
        cases = json.dumps(describe(plugins, subject.samples), default=str)
        return _run(words, subject.environ() | _home(folder) | {CASES: cases}, Path(folder), folder)


def run_own_tests(subject: Subject) -> Outcome | None:
    """Run the tests of a folder as its own configuration asks for; None: it has none."""
    folder = subject.folder
    if folder is None or not any((folder / name).exists() for name in ("tests", "test", "conftest.py")):
        return None
    with TemporaryDirectory(prefix="loopengt-own-") as scratch:
        return _run([], subject.environ(), folder, scratch)


def _home(folder: str) -> dict[str, str]:
    """Settings under which nothing of the person is read or changed: suites install and uninstall adapters."""
    home = Path(folder) / "home"
    home.mkdir()
    places = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA", "STATE")}
    # Packages that are installed for the person stay importable.
    return {"HOME": str(home), **places, "PYTHONUSERBASE": site.getuserbase()}


def _configuration() -> str:
    lines = ["[pytest]", "addopts = --import-mode=importlib", "filterwarnings = error"]
    if find_spec("pytest_asyncio"):
        lines += ["asyncio_mode = auto", "asyncio_default_fixture_loop_scope = function"]
    return "\n".join(lines) + "\n"


def _run(words: Sequence[str], environ: dict[str, str], folder: Path, scratch: str) -> Outcome:
    report = Path(scratch) / "report.jsonl"
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-o", f"cache_dir={scratch}/cache"]
    command += ["-p", "loopengt_cli_plugins.suites.reporting", *words]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ | {REPORT: str(report), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(code=1, output=f"the tests have not come to an end after {PATIENCE} s")
    return Outcome(_read(report), done.returncode, done.stdout)


def _read(report: Path) -> list[dict[str, Any]]:
    if not os.path.exists(report):
        return []
    return [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
