"""The command ``resume``, and how runs come to need it: Ctrl-C, SIGTERM, a kill, another owner."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Labelled = Callable[[str, str], str]
    Gone = Callable[[int], bool]

FIRST_LAP = """
import json, os
if os.environ["LOOPENGT_OCCURRENCE"] == "1":
    print(json.dumps({"count": 1, "token_usage": {"total_tokens": 1500}, "cost_usd": 0.25}))
    raise SystemExit
"""
"""Answers in the first lap and tells what that cost."""

ONCE = {"name": "count", "agent": "counter", "effects": "once"}


def calls(bench: Bench) -> int:
    """Say how often the hanging agent was called."""
    return len((bench.marks / "calls").read_text())


def kill(bench: Bench, **spec: Any) -> None:
    """Run a loop whose agent hangs, and kill the process that drives it."""
    bench.loop(**spec)
    process = bench.start("run", ".")
    bench.pids()
    process.kill()
    process.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_pauses_the_run(
    bench: Bench, hang: str, gone: Gone, labelled: Labelled, number: signal.Signals
) -> None:
    """Exit code 130, no process left, the run paused; the printed line takes it up to its goal."""
    bench.loop(hang)
    process = bench.start("run", ".")
    pids = bench.pids()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert "interrupted" in err
    assert all(map(gone, pids))
    run = bench.only_run()
    assert (run["status"], run["reason"], run["completed_at"]) == ("paused", "interrupted", None)
    bench.go()
    resumed = bench.type(labelled(err, "resume:"), bench.project)
    assert resumed.returncode == 0, resumed.stderr
    assert "goal_met: every gate of lap 2 passed" in resumed.stderr
    assert bench.only_run()["turn"] == 2


@pytest.mark.slow
def test_a_second_signal_ends_everything_at_once(bench: Bench, hang: str, gone: Gone) -> None:
    """Exit code 130, no process left though the agent ignores SIGTERM, and the run can be resumed."""
    bench.loop(hang, agents=[bench.agent("counter", ["python", "agent.py", "stubborn"])])
    process = bench.start("run", ".")
    pids = bench.pids()
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert all(map(gone, pids))
    run = bench.only_run()
    assert (run["status"], run["alive"]) == ("running", False), "there was no time to write the pause down"
    bench.go()
    assert bench.run("resume", "latest").returncode == 0


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(bench: Bench, hang: str, gone: Gone) -> None:
    """After kill -9 the run is resumed by a prefix of its id; the agent left behind is ended first."""
    kill(bench, script=hang)
    pids = bench.pids()
    bench.go()
    done = bench.run("resume", bench.only_run()["run_id"][:10])
    assert done.returncode == 0, done.stderr
    assert all(map(gone, pids))
    assert "goal_met" in done.stderr


@pytest.mark.slow
def test_a_resumed_run_goes_on_counting(bench: Bench, hang: str) -> None:
    """Its first event and line tell what was used before, and what is left of each limit."""
    spec = bench.loop(FIRST_LAP + hang)
    kill(bench, script=FIRST_LAP + hang, policy=spec["policy"] | {"budget": {"max_tokens": 2000}})
    bench.go()
    done = bench.run("resume", "latest")
    assert done.returncode == 0, done.stderr
    assert "resumed at turn 1 of 4, " in done.stderr
    assert "left), 1,500 tokens (500 left), $0.2500\n" in done.stderr
    events = map(json.loads, bench.run("trace", "latest", "-f", "jsonl").stdout.splitlines())
    (told,) = (event["data"] for event in events if event["event_type"] == "loop.resume")
    assert 0 < told.pop("elapsed") < 60
    assert told == {
        "turn": 1,
        "tokens": 1500,
        "cost_usd": 0.25,
        "unknown_costs": 0,
        "limits": {"max_turns": 4, "max_total_time_seconds": 3600.0, "max_tokens": 2000},
    }


@pytest.mark.slow
def test_a_run_that_has_ended_is_shown_as_it_ended(bench: Bench) -> None:
    """Resuming it executes nothing and has the exit code of its end."""
    bench.loop(goal="output.count > 9")
    assert bench.run("run", ".").returncode == 3
    before = bench.run("trace", "latest", "-f", "json").stdout
    done = bench.run("resume", "latest")
    assert done.returncode == 3
    assert "nothing is executed" in done.stderr
    assert "exhausted: max_turns" in done.stderr
    assert bench.run("trace", "latest", "-f", "json").stdout == before


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "exit_code", "called"), [("done", 0, 1), ("retry", 0, 2), ("fail", 1, 1)])
def test_an_unknown_outcome_is_asked_and_answered(
    bench: Bench, hang: str, answer: str, exit_code: int, called: int
) -> None:
    """A step with effects: once that was cut short pauses with exit code 4; each answer does as it says."""
    kill(bench, script=hang, pattern="sequential", steps=[ONCE])
    bench.go()
    asked = bench.run("resume", "latest")
    assert asked.returncode == 4, asked.stderr
    assert "it may or may not have been done" in asked.stderr
    (line,) = (line for line in asked.stderr.splitlines() if line.endswith(f"--unknown-outcome {answer}"))
    assert calls(bench) == 1
    answered = bench.type(line.partition(":")[2], bench.project)
    assert answered.returncode == exit_code, answered.stderr
    assert calls(bench) == called


@pytest.mark.slow
def test_a_driven_run_is_not_taken_over(bench: Bench, hang: str) -> None:
    """While one process drives the run, another one says who it is, with exit code 2, and does nothing."""
    bench.loop(hang, goal="output.count >= 1")
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    done = bench.run("resume", "latest")
    assert done.returncode == 2
    assert f"is driven by process {process.pid} " in done.stderr
    bench.go()
    process.communicate(timeout=60)
    assert (process.returncode, calls(bench)) == (0, 1)


@pytest.mark.slow
def test_wait_stays_until_the_other_process_is_done(bench: Bench, hang: str) -> None:
    """With --wait it waits for the driving process, and then tells how the run has ended."""
    bench.loop(hang, goal="output.count >= 1")
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    waiting = bench.start("resume", "latest", "--wait", "--quiet")
    assert waiting.stderr is not None
    assert "is driven by process" in waiting.stderr.readline()
    bench.go()
    process.communicate(timeout=60)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    assert err == "goal_met: every gate of lap 1 passed\n"
    assert calls(bench) == 1


@pytest.mark.slow
def test_wait_stays_until_a_person_has_answered(bench: Bench, hang: str) -> None:
    """With --wait a question does not end the command: an answer in another process does, with its end."""
    kill(bench, script=hang, pattern="sequential", steps=[ONCE])
    bench.go()
    waiting = bench.start("resume", "latest", "--wait", "--quiet")
    assert waiting.stderr is not None
    assert "needs a person's answer" in waiting.stderr.readline()
    assert bench.run("resume", "latest", "--unknown-outcome", "done").returncode == 0
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    assert "goal_met" in err


@pytest.mark.slow
def test_waiting_can_be_interrupted(bench: Bench, hang: str) -> None:
    """Ctrl-C while it waits ends the command with exit code 130 and leaves the run to its driver."""
    bench.loop(hang, goal="output.count >= 1")
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    waiting = bench.start("resume", "latest", "--wait")
    assert waiting.stderr is not None
    assert "is driven by process" in waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    bench.go()
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--in-place",), ("--set", "depth=4"), ("--set", "other=1")])
def test_what_a_run_was_started_with_cannot_be_changed(bench: Bench, words: tuple[str, ...]) -> None:
    """Another context or workspace than the run's own is a usage error; the same again is fine."""
    bench.loop(context={"depth": 3})
    assert bench.run("run", ".").returncode == 0
    refused = bench.run("resume", "latest", *words)
    assert refused.returncode == 2
    assert f"was not started with {'this --set' if words[0] == '--set' else '--in-place'}" in refused.stderr
    assert bench.run("resume", "latest", "--set", "depth=3").returncode == 0


@pytest.mark.slow
def test_a_name_must_fit_one_run(bench: Bench) -> None:
    """No run, and more than one, is a usage error; the latter lists them."""
    assert bench.run("resume", "latest").returncode == 2
    assert not (bench.project / ".loopengt").exists()
    bench.loop(goal="output.count >= 1")
    for _ in range(2):
        assert bench.run("run", ".", "-q").returncode == 0
    done = bench.run("resume", "2")
    assert done.returncode == 2
    for run in bench.runs():
        assert run["run_id"] in done.stderr
    done = bench.run("resume", "no-such-run")
    assert (done.returncode, "there is no run 'no-such-run'" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_stopped_run_goes_on(bench: Bench) -> None:
    """The summary of a stopped run says how to go on, and resume does so, without saying that it has ended."""
    bench.loop(stop_conditions=[{"condition_type": "manual"}])
    brake = bench.project / ".loopengt" / "stop"
    brake.parent.mkdir(exist_ok=True)
    brake.touch()
    stopped = bench.run("run", ".")
    run_id = bench.only_run()["run_id"]
    assert stopped.returncode == 3
    assert f"go on:     loopengt resume {run_id}\n" in stopped.stderr
    brake.unlink()
    done = bench.run("resume", run_id)
    assert done.returncode == 0, done.stderr
    assert "has ended already" not in done.stderr
