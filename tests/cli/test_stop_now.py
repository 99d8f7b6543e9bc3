"""A stop takes effect before the next turn, at once with ``--now``, and outlives the process that was told."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from .conftest import Bench

pytestmark = pytest.mark.slow  # real processes, seconds each

FAST = ("-o", "local.poll_seconds=0.1")


def endless(bench: Bench, script: str, **changes: Any) -> None:
    """Write a loop that never gets there."""
    gate = {"name": "enough", "condition": "output.count < 0"}
    bench.loop(script, policy={"max_turns": 1_000_000, "verification_gates": [gate]}, **changes)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process's end and return its exit code and what it has said."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def events(bench: Bench) -> list[dict[str, Any]]:
    """Return the events of the last run."""
    shown = bench.run("trace", "latest", "--format", "jsonl")
    return [json.loads(line) for line in shown.stdout.splitlines()]


def types(bench: Bench) -> list[str]:
    """Return the types of the events of the last run."""
    return [event["event_type"] for event in events(bench)]


def test_now_ends_the_agent(bench: Bench, hang: str, gone: Callable[[int], bool]) -> None:
    """With --now the agent and what it has started are ended, and the run ends as stopped, exit code 3."""
    endless(bench, hang)
    process = bench.start(*FAST, "run", ".", "--quiet")
    pids = bench.pids()
    stopped = bench.run("stop", "latest", "--now", "--comment", "wrong branch")
    assert stopped.stdout == f"Run {bench.only_run()['run_id']} stops now.\n"
    assert finish(process) == (3, "stopped: wrong branch\n")
    assert all(gone(pid) for pid in pids)
    assert "agent.response" not in types(bench)


def test_now_after_a_stop_that_waits(bench: Bench, hang: str) -> None:
    """Who has asked for a stop and does not want to wait for the step asks again with --now."""
    endless(bench, hang)
    process = bench.start(*FAST, "run", ".", "--quiet")
    bench.pids()
    assert bench.run("stop", "latest", "--comment", "enough").returncode == 0
    assert bench.run("stop", "latest").returncode == 0, "a second one without --now changes nothing"
    assert process.poll() is None
    assert bench.run("stop", "latest", "--now").returncode == 0
    assert finish(process) == (3, "stopped: enough\n")


def test_a_stop_does_not_wait_for_another_attempt(bench: Bench) -> None:
    """A run that waits before a retry has no step under way: it stops at once."""
    retry = {"initial_delay_seconds": 600, "jitter": False, "retryable_errors": ["ExitCode"]}
    bench.loop("raise SystemExit(7)", pattern="sequential", policy={"max_turns": 9, "retry": retry,
               "verification_gates": [{"name": "enough", "condition": "true"}]})  # fmt: skip
    process = bench.start(*FAST, "run", ".", "--quiet")
    while "step.retry" not in types(bench):
        assert process.poll() is None
    assert bench.run("stop", "latest").returncode == 0
    assert finish(process) == (3, "stopped: stopped by `loopengt stop`\n")


@pytest.mark.parametrize("storage", ["sqlite", "jsonl"])
def test_a_stop_outlives_its_process(
    bench: Bench, hang: str, storage: str, wait_until: Callable[..., None]
) -> None:
    """The owner dies after it was told: who resumes the run finds it stopped; resumed once more it goes on."""
    options = (*FAST, "-o", f"storage.name={storage}")
    bench.loop(hang)
    process = bench.start(*options, "run", ".", "--quiet")
    bench.pids()
    assert bench.run(*options, "stop", "latest", "--comment", "hold it").returncode == 0

    def told() -> bool:
        return '"loop.stop"' in bench.run(*options, "trace", "latest", "--format", "jsonl").stdout

    wait_until(told)
    process.kill()
    process.communicate(timeout=60)
    calls = len((bench.marks / "calls").read_text())
    resumed = bench.run(*options, "resume", "latest", "--quiet")
    assert (resumed.returncode, resumed.stderr) == (3, "stopped: hold it\n")
    assert len((bench.marks / "calls").read_text()) == calls, "no agent was called"
    bench.go()
    assert bench.run(*options, "resume", "latest", "--quiet").returncode == 0


def test_a_paused_run_keeps_its_stop(bench: Bench, hang: str) -> None:
    """Ctrl-C after a stop pauses; the stop is done when the run is resumed, not forgotten."""
    endless(bench, hang)
    process = bench.start(*FAST, "run", ".", "--quiet")
    bench.pids()
    assert bench.run("stop", "latest", "--comment", "enough").returncode == 0
    while "loop.stop" not in types(bench):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130
    resumed = bench.run("resume", "latest", "--quiet")
    assert (resumed.returncode, resumed.stderr) == (3, "stopped: enough\n")


def test_a_stop_file(bench: Bench, hang: str) -> None:
    """The file is noticed within a second or two, in the midst of a step; the step is finished first."""
    endless(bench, hang, stop_conditions=[{"condition_type": "manual"}])
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    file = bench.project / ".loopengt" / "stop"
    file.touch()
    while "loop.stop" not in types(bench):
        assert process.poll() is None
    file.unlink()
    bench.go()
    said = "stopped: stop condition manual: the file .loopengt/stop is there; runs go on when it is removed\n"
    assert finish(process) == (3, said)
    assert types(bench).count("agent.response") == 1
    file.touch()
    refused = bench.run("run", ".", "--quiet")
    assert (refused.returncode, refused.stderr) == (3, said)
    assert bench.runs()[0]["turn"] == 0
    assert file.exists()
