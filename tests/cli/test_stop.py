"""The command ``stop``."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Bench


@pytest.mark.slow
def test_a_living_run_stops_before_its_next_turn(bench: Bench, hang: str) -> None:
    """The step under way is finished, then the run ends as stopped, with the comment and exit code 3."""
    bench.loop(hang, goal="output.count < 0", policy={"max_turns": 10_000_000, "verification_gates": [
        {"name": "enough", "condition": "output.count < 0"}]})  # fmt: skip
    process = bench.start("-o", "local.poll_seconds=0.1", "run", ".", "--quiet")
    bench.pids()
    stopped = bench.run("stop", "latest", "--comment", "enough for today")
    run_id = bench.only_run()["run_id"]
    assert (stopped.returncode, stopped.stdout) == (0, f"Run {run_id} stops before its next turn.\n")
    assert process.poll() is None
    bench.go()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "stopped: enough for today\n")
    run = bench.only_run()
    assert (run["status"], run["reason"]) == ("cancelled", "stopped")


@pytest.mark.slow
def test_a_run_that_nobody_drives_is_not_stopped(bench: Bench, hang: str) -> None:
    """A paused and a crashed run stay resumable; the error says how to go on, with exit code 2."""
    bench.loop(hang)
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    for _ in range(2):
        refused = bench.run("stop", "latest")
        assert refused.returncode == 2
        assert "nobody drives it" in refused.stderr
        assert f"loopengt resume {bench.only_run()['run_id']}" in refused.stderr
        assert bench.only_run()["completed_at"] is None
        (bench.marks / "pids").unlink()
        process = bench.start("resume", "latest")
        bench.pids()
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.slow
def test_a_run_that_has_ended_is_not_stopped(bench: Bench) -> None:
    """It says how the run ended, with exit code 2, as it does for a run that does not exist."""
    assert bench.run("stop", "latest").returncode == 2
    bench.loop()
    assert bench.run("run", ".", "-q").returncode == 0
    refused = bench.run("stop", "latest")
    assert refused.returncode == 2
    assert "has ended already: goal_met" in refused.stderr
