"""The gate kind ``command`` with real programs, the badly behaved included."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loopengt_hookspecs.errors import MissingRequirement

Bench = Any


async def test_exit_code_zero_passes_with_proof(bench: Bench) -> None:
    """A program that succeeds passes; the proof says what ran, how it ended, how long and what it printed."""
    verdict = await bench.command(["echo", "a b"])
    assert verdict.passed is True
    assert verdict.feedback == ""
    assert verdict.proof.pop("duration_seconds") >= 0
    assert verdict.proof == {"command": ["echo", "a b"], "exit_code": 0, "output_tail": "a b"}


async def test_another_exit_code_fails_with_feedback(bench: Bench) -> None:
    """A program that fails fails the gate; its output, both streams, is the feedback."""
    verdict = await bench.command("echo seen; echo why >&2; exit 3")
    assert verdict.passed is False
    assert verdict.feedback == "echo seen; echo why >&2; exit 3 ended with exit code 3.\nseen\nwhy"
    assert verdict.proof["exit_code"] == 3


async def test_it_runs_in_the_workspace_with_a_bare_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate's program sees the workspace, the ids of the attempt, and none of our secrets."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    verdict = await bench.command("pwd -P; env | grep -E 'LOOPENGT|OPENAI' | sort; cat")
    assert verdict.proof["output_tail"].splitlines() == [
        str(bench.workspace.resolve()),
        "LOOPENGT_ATTEMPT=2",
        "LOOPENGT_GATE=proof",
        "LOOPENGT_IDEMPOTENCY_KEY=run-1/work/1/2",
        "LOOPENGT_RUN_ID=run-1",
        "LOOPENGT_STEP=work",
        f"LOOPENGT_WORKSPACE={bench.workspace}",
    ]


async def test_a_gate_in_time_or_not_at_all(bench: Bench) -> None:
    """A program that does not end in time fails the gate, and its group is gone."""
    began = time.monotonic()
    verdict = await bench.command("echo $$; sleep 600 & sleep 600", timeout_seconds=0.3)
    assert verdict.passed is False
    assert time.monotonic() - began < 4
    assert "took more than 0.3 seconds and was ended" in verdict.feedback
    assert verdict.proof["timed_out"] is True
    assert running_in(int(verdict.proof["output_tail"])) == []


async def test_cancelling_a_check_ends_its_program(bench: Bench) -> None:
    """A check that the engine cancels leaves nothing behind that could touch the workspace."""
    task = asyncio.create_task(bench.command("echo $$ > pid; mv pid begun; sleep 600; touch late"))
    while not (bench.workspace / "begun").exists():  # noqa: ASYNC110 - another process tells by a file
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running_in(int((bench.workspace / "begun").read_text())) == []


def running_in(group: int) -> list[str]:
    """The processes of a group that still run."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path("/proc", name, "stat").read_text()
        except OSError:
            continue
        state, _, member_of, *_ = stat.rpartition(")")[2].split()
        if int(member_of) == group and state not in "ZX":
            found.append(stat)
    return found


async def test_a_missing_program_is_a_requirement(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not installed is reported with its remedy, before the run and at the check."""
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", "/nowhere")
    gate = bench.gate("command", command=["ruff", "check"])
    assert [missing.remedy for missing in gate.missing()] == ["pip install ruff"]
    with pytest.raises(MissingRequirement, match="gate 'proof' runs ruff"):
        await gate.check(bench.request())


async def test_a_flood_is_cut_and_kept_beside(bench: Bench) -> None:
    """A long output is shortened in proof and feedback, and whole in a blob that the proof names."""
    verdict = await bench.command("head -c 5000000 /dev/zero | tr '\\0' x; echo END; exit 1")
    kept = verdict.proof["stdout_truncated"]
    assert len(bench.blobs[kept["digest"]]) == kept["size"] == 5_000_004
    assert verdict.feedback.endswith("xEND")
    assert len(verdict.feedback) < 4_300
    assert len(verdict.proof["output_tail"]) < 4_100


async def test_feedback_keeps_the_head_of_the_failure(bench: Bench) -> None:
    """Of a long failing output the feedback has the first complaint and the end."""
    script = "for i in range(500): print('fine', i)\nprint('E   AssertionError: 3 != 4')\n"
    script += "for i in range(2000): print('noise', i)\nraise SystemExit(1)"
    verdict = await bench.command([sys.executable, "-c", script])
    assert "E   AssertionError: 3 != 4" in verdict.feedback
    assert "fine 499" not in verdict.feedback
    assert verdict.feedback.endswith("noise 1999")
    assert "[...]" in verdict.feedback


def test_the_plan_is_the_command(bench: Bench) -> None:
    """A dry run shows the command line; a command gate may have effects, so it is not pure."""
    gate = bench.gate("command", command=["ruff", "check", "my file"])
    assert gate.plan() == "ruff check 'my file'"
    assert gate.pure is False


# -- output_pattern ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ("All checks", True),
        (r"^All .* passed!$", True),
        (r"0 errors\Z", True),
        (r"^checks", False),
        ("nothing like it", False),
    ],
)
async def test_the_output_must_match(bench: Bench, pattern: str, passes: bool) -> None:
    """Both streams are searched; ^ and $ match at line ends; a plain text needs no expression."""
    script = "echo first; echo 'All checks passed!'; echo 0 errors >&2"
    verdict = await bench.command(script, output_pattern=pattern)
    assert verdict.passed is passes
    assert verdict.proof["pattern_found"] is passes
    if not passes:
        assert "does not match" in verdict.feedback
        assert "All checks passed!" in verdict.feedback


async def test_a_search_without_end_fails_the_gate(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that backtracks for ever is given up, the loop goes on, and the gate fails closed."""
    monkeypatch.setattr("loopengt.searching._SECONDS", 0.3)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticker = asyncio.create_task(tick())
    verdict = await bench.command(["echo", "a" * 200 + "b"], output_pattern="(a+)+$")
    ticker.cancel()
    assert verdict.passed is False
    assert "more than 0.3 seconds" in verdict.feedback
    assert ticks > 5
    assert verdict.proof["pattern_found"] is None


async def test_a_failure_is_not_outweighed_by_a_match(bench: Bench) -> None:
    """A matching output cannot make a failing program pass."""
    assert (await bench.command("echo ok; exit 1", output_pattern="ok")).passed is False
