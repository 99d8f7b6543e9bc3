"""A command gate's minimum count of tests, with real runs of pytest."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import pytest

Bench = Any
# Without the plugins of our own tests, which take longer to load than the checked tests to run.
PYTEST = [
    "env",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
]

TESTS = """
import pytest
def test_a(): pass
def test_b(): pass
@pytest.mark.skip
def test_c(): pass
@pytest.mark.xfail
def test_d(): assert False
"""


async def test_enough_tests_pass(bench: Bench) -> None:
    """The tests that passed or failed are counted from pytest's closing line and kept as proof."""
    bench.write("test_it.py", TESTS)
    verdict = await bench.command(PYTEST, min_tests=2)
    assert verdict.passed
    assert verdict.proof["tests"] == 2


async def test_skipped_and_expected_failures_do_not_count(bench: Bench) -> None:
    """Tests that were switched off do not make up the number, though pytest succeeds."""
    bench.write("test_it.py", TESTS)
    verdict = await bench.command(PYTEST, min_tests=3)
    assert verdict.passed is False
    assert verdict.proof["exit_code"] == 0, verdict.proof
    assert "only 2 tests ran and at least 3 must" in verdict.feedback


async def test_deselected_tests_do_not_count(bench: Bench) -> None:
    """Tests that -k leaves out have not run."""
    bench.write("test_it.py", TESTS)
    verdict = await bench.command([*PYTEST, "-k", "test_a"], min_tests=2)
    assert verdict.passed is False
    assert verdict.proof["tests"] == 1


@pytest.mark.slow
async def test_no_tests_cannot_pass(bench: Bench) -> None:
    """No tests fail of themselves; with min_tests so do a swallowed exit code, and skipped tests alone."""
    verdict = await bench.command(PYTEST)
    assert verdict.passed is False
    assert "found no tests" in verdict.feedback
    shell = f"{' '.join(PYTEST)} || true"
    verdict = await bench.command(shell, min_tests=1)
    assert verdict.passed is False
    assert verdict.proof["tests"] == 0
    bench.write("test_it.py", "import pytest\n@pytest.mark.skip\ndef test_a(): pass")
    verdict = await bench.command(PYTEST, min_tests=1)
    assert verdict.passed is False
    assert verdict.proof["exit_code"] == verdict.proof["tests"] == 0


async def test_an_unreadable_count_fails(bench: Bench) -> None:
    """A success that does not say how many tests ran has not passed."""
    bench.write("test_it.py", TESTS)
    for command in ([*PYTEST, "-q"], ["echo", "3 tests passed, honestly"]):
        verdict = await bench.command(command, min_tests=1)
        assert verdict.passed is False
        assert verdict.proof["tests"] is None
        assert "cannot be read from the output" in verdict.feedback


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("===== 3 passed in 0.12s =====", 3),
        (
            "1 failed, 2 passed, 4 skipped, 5 deselected, 6 xfailed, 7 xpassed, 8 warnings, 9 errors in 1.5s",
            3,
        ),
        ("\x1b[32m\x1b[1m12 passed\x1b[0m\x1b[32m in 61.03s (0:01:01)\x1b[0m", 12),
        ("===== 2 passed in 100000.00s (1 day, 3:46:40) =====", 2),
        ("no tests ran in 0.00s", 0),
        ("5 skipped in 0.01s", 0),
        ("3 tests collected in 0.01s", None),
        ("I saw 3 passed in 0.1s", None),
        ("2 passed in 0.1s\n1 passed in 0.1s\ntrailing words", 1),
    ],
)
async def test_closing_lines_of_pytest_are_read(bench: Bench, line: str, count: int | None) -> None:
    """The last closing line counts, in each of pytest's shapes, with colours; anything else does not."""
    verdict = await bench.command(["printf", "%s\\n", line], min_tests=1)
    assert verdict.proof["tests"] == count
    assert verdict.passed is bool(count)


@pytest.mark.parametrize("option", [["--junitxml=out/report.xml"], ["--junit-xml", "out/report.xml"]])
async def test_a_junit_report_is_counted(bench: Bench, option: list[str]) -> None:
    """The file that --junitxml names is counted, where the output says nothing."""
    bench.write("test_it.py", TESTS)
    command = [*PYTEST, "-q", *option]
    enough = await bench.command(command if "=" in option[0] else shlex.join(command), min_tests=2)
    assert enough.passed
    assert enough.proof["tests"] == 2
    again = "cp out/report.xml new.xml; mv new.xml out/report.xml # --junitxml=out/report.xml"
    few = await bench.command(again, min_tests=3)
    assert few.passed is False
    assert few.proof["tests"] == 2


GOOD = (
    '<?xml version="1.0"?><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>'
)


async def test_a_stale_junit_report_does_not_count(bench: Bench) -> None:
    """A report that lies there from before says nothing of this check, unless it is written anew."""
    bench.write("report.xml", GOOD)
    stale = await bench.command("true --junitxml=report.xml", min_tests=1)
    assert stale.passed is False
    assert stale.proof["tests"] is None
    assert "has not written" in stale.feedback
    fresh = await bench.command("cp report.xml x; mv x report.xml; true --junitxml=report.xml", min_tests=2)
    assert fresh.passed
    assert fresh.proof["tests"] == 2


@pytest.mark.parametrize(
    "report",
    [
        "",
        "not xml",
        GOOD[:-5],
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite><testcase/></testsuite>',
        '<?xml version="1.0"?><!-- c --><!DOCTYPE x><testsuite><testcase/></testsuite>',
    ],
)
async def test_a_broken_or_dangerous_report_does_not_count(bench: Bench, report: str) -> None:
    """A report that cannot be read, or that declares entities, fails closed."""
    bench.write("source", report)
    verdict = await bench.command("cp source report.xml # --junitxml=report.xml", min_tests=1)
    assert verdict.passed is False
    assert verdict.proof["tests"] is None


async def test_two_edits_within_a_second_are_both_judged(bench: Bench) -> None:
    """A mended file of the same size and second is not judged by the bytecode of the broken one."""
    bench.write("test_it.py", "from code_ import f\ndef test_f(): assert f(2, 1) == 1")
    verdicts = []
    for operator in "+-":
        source = bench.write("code_.py", f"def f(a, b): return a {operator} b")
        os.utime(source, (1_700_000_000, 1_700_000_000))
        verdicts.append((await bench.command(PYTEST, min_tests=1)).passed)
    assert verdicts == [False, True]
