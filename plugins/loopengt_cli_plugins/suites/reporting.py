"""A pytest plugin that writes how each test came out, with the sentence that it proves, to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_cli_plugins.suites.running import REPORT

if TYPE_CHECKING:
    from collections.abc import Generator

LONGEST = 400


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note the outcome of a test, once; a failure of its preparation counts as one."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        test = getattr(item, "obj", None)
        sentence = " ".join((getattr(test, "__doc__", None) or item.name).split())
        owner = getattr(item, "cls", None)
        _write(
            {
                "suite": owner.__name__ if owner else "",
                "test": item.nodeid,
                "outcome": report.outcome,
                "rule": sentence,
                "why": _why(report) if report.outcome != "passed" else "",
            }
        )
    return report


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a file that cannot be collected."""
    if report.failed:
        _write(
            {
                "suite": "",
                "test": report.nodeid,
                "outcome": "failed",
                "rule": f"{report.nodeid} can be imported.",
                "why": _last_line(str(report.longrepr)),
            }
        )


def _why(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return " ".join(str(crash.message).split())[:LONGEST]
    if isinstance(report.longrepr, tuple):  # of a skipped test: file, line and reason
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return _last_line(str(report.longrepr))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E").strip()[:LONGEST] if lines else ""


def _write(facts: dict[str, str]) -> None:
    with Path(os.environ[REPORT]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")
