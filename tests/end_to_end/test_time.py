"""A clock that is set, and a process that is stopped: time limits, waits and durations hold, and nothing is doubled."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.end_to_end.conftest import Stage

    Until = Callable[..., None]

pytestmark = pytest.mark.slow  # real processes, seconds each

HOUR = 3600.0

SHIFTED = """
import os, time

def shifted(real=time.time, mark=os.environ["CLOCK"]):
    try:
        with open(mark) as file:
            return real() + float(file.read())
    except (OSError, ValueError):
        return real()

time.time = shifted
"""
"""Sets the clock of the Python process that finds it as ``sitecustomize`` when the mark ``clock`` appears."""

BEGUN = 'echo "$LOOPENGT_IDEMPOTENCY_KEY" | cut -d/ -f2- >> "$MARKS/begun"'
WAITS = f'{BEGUN}; until [ -e "$MARKS/go" ]; do sleep 0.02; done; echo done'


class Clock:
    """The clock of the engine's processes."""

    def __init__(self, stage: Stage) -> None:
        folder = stage.folder / "site"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SHIFTED)
        self._mark = stage.mark("clock")
        self.environ = {"PYTHONPATH": str(folder), "CLOCK": str(self._mark)}

    def set(self, seconds: float) -> None:
        """Set it so far ahead, or back."""
        part = self._mark.with_suffix(".part")
        part.write_text(str(seconds))
        part.rename(self._mark)


@pytest.fixture
def clock(stage: Stage) -> Clock:
    """The clock of processes that are started with ``env=clock.environ``."""
    return Clock(stage)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process's end and return its exit code and what it has said."""
    said = "".join(process.communicate(timeout=40))
    assert "Traceback" not in said, said
    return process.returncode, said


def check_times(stage: Stage, clock: Clock, at_most: float) -> None:
    """Fail when the run's time goes back or jumps anywhere: in the journal, in the trace, in the listing."""
    times = [event.at for event in stage.events()]
    assert times == sorted(times)
    assert times[-1] - times[0] < at_most
    shown = stage.run("trace", "latest", "--format", "jsonl", env=clock.environ)
    durations = [json.loads(line)["duration_seconds"] for line in shown.stdout.splitlines()]
    assert all(duration is None or 0 <= duration < at_most for duration in durations)
    (row,) = json.loads(stage.run("runs", "--json", env=clock.environ).stdout)
    assert row["started_at"] <= row["completed_at"]
    for form in ("tree", "markdown"):
        told = stage.run("trace", "latest", "--format", form, env=clock.environ).stdout
        told = told.replace(str(stage.project), "")  # its random name may look like a duration
        assert not re.search(r"-[0-9.]+s\b|\b1h|\b59m", told), told


@pytest.mark.parametrize("seconds", [-HOUR, HOUR], ids=["back", "ahead"])
def test_the_clock_is_set_in_mid_run(stage: Stage, until: Until, clock: Clock, seconds: float) -> None:
    """The run goes on to its end; no duration is negative or an hour long, and no limit is struck by the jump."""
    retry = {"initial_delay_seconds": 0.5, "jitter": False, "retryable_errors": ["ExitCode"]}
    script = f'{WAITS}; test "$LOOPENGT_STEP/$LOOPENGT_ATTEMPT" != two/1'
    limits = {"max_total_time_seconds": 60, "retry": retry}
    stops = [{"condition_type": "timeout", "value": 50}]
    stage.loop(script, "one", "two", "three", policy=limits, stop_conditions=stops)
    began = time.monotonic()
    process = stage.start("run", "loop.yaml", "--quiet", env=clock.environ)
    until(lambda: stage.marked("begun"), "the first step has begun")
    clock.set(seconds)
    stage.mark("go").touch()
    assert finish(process)[0] == 0, "the retry waits half a second"
    assert time.monotonic() - began < 30
    assert stage.marked("begun") == ["one/1/1", "two/1/1", "two/1/2", "three/1/1"]
    check_times(stage, clock, 40)


@pytest.mark.parametrize("seconds", [-HOUR, HOUR], ids=["back", "ahead"])
@pytest.mark.parametrize("by", ["policy", "condition"])
def test_a_time_limit_counts_driven_time(
    stage: Stage, until: Until, clock: Clock, seconds: float, by: str
) -> None:
    """Whatever the clock says, a run is driven as long as it may be: not an hour longer, and not less."""
    fields: dict[str, Any] = {"pattern": "repeat", "policy": {"max_turns": 100_000}}
    if by == "policy":
        fields["policy"]["max_total_time_seconds"] = 1.5
    else:
        fields["stop_conditions"] = [{"condition_type": "timeout", "value": 1.5}]
    stage.loop(f"{BEGUN}; sleep 0.05; echo done", **fields)
    process = stage.start("run", "loop.yaml", "--quiet", env=clock.environ)
    until(lambda: stage.marked("begun"), "the run goes")
    clock.set(seconds)
    code, said = finish(process)
    assert (code, "1.5 seconds are over" in said) == (3, True), said
    first, *_, last = stage.events()
    assert 1.4 < last.at - first.at < 10
    check_times(stage, clock, 10)


def test_driven_time_adds_up_over_a_resume_in_the_past(stage: Stage, until: Until, clock: Clock) -> None:
    """A run that was paused, and is resumed when the clock was set back, has the rest of its time and no more."""
    retry = {"initial_delay_seconds": 0, "max_retries": 0}
    policy = {"max_turns": 100_000, "max_total_time_seconds": 4, "retry": retry}
    stage.loop(f"{BEGUN}; sleep 0.05; echo done", pattern="repeat", policy=policy)
    process = stage.start("run", "loop.yaml", "--quiet", env=clock.environ)
    until(lambda: len(stage.marked("begun")) > 5, "the run goes")
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130
    driven = stage.events()[-1].at - stage.events()[0].at
    clock.set(-HOUR)
    began = time.monotonic()
    code, said = finish(stage.start("resume", "latest", "--quiet", env=clock.environ))
    assert (code, "4 seconds are over" in said) == (3, True), said
    assert 4 - driven - 0.1 < time.monotonic() - began < 4 - driven + 15
    events = stage.events()
    resumed = next(event for event in events if event.type == "loop.resume")
    assert resumed.data["elapsed"] == pytest.approx(driven, abs=0.01)
    assert 4 - driven - 0.5 < events[-1].at - resumed.at < 15
    check_times(stage, clock, 40)


def test_a_wait_that_a_crash_cut_short_does_not_last_an_hour(
    stage: Stage, until: Until, clock: Clock
) -> None:
    """Killed while it waits for a retry and resumed an hour earlier, a run waits what it was to wait at most."""
    retry = {"initial_delay_seconds": 1.0, "jitter": False, "retryable_errors": ["ExitCode"]}
    stage.loop(f'{BEGUN}; test "$LOOPENGT_ATTEMPT" = 2 && echo done', policy={"retry": retry})
    process = stage.start("run", "loop.yaml", "--quiet", env=clock.environ)
    until(lambda: stage.rows() and "step.retry" in stage.types(), "the retry is due")
    stage.kill(process)
    clock.set(-HOUR)
    assert finish(stage.start("resume", "latest", "--quiet", env=clock.environ))[0] == 0
    assert stage.marked("begun") == ["work/1/1", "work/1/2"]
    check_times(stage, clock, 40)


@pytest.mark.parametrize("seconds", [-HOUR, HOUR], ids=["back", "ahead"])
def test_a_living_owner_keeps_its_run(stage: Stage, until: Until, clock: Clock, seconds: float) -> None:
    """The owner renews its lease by the new clock at once: who resumes the run then is told who drives it."""
    stage.config("[plugins.local]\nlease_seconds = 2\npoll_seconds = 0.1\n")
    stage.loop(WAITS)
    process = stage.start("run", "loop.yaml", "--quiet", env=clock.environ)
    until(lambda: stage.marked("begun"), "the step has begun")
    clock.set(seconds)
    until(lambda: abs(stage.row().lease_until - time.time() - seconds) < 60, "the lease is renewed")
    refused = stage.run("resume", "latest", env=clock.environ)
    assert (refused.returncode, f"process {process.pid}" in refused.stderr) == (2, True), refused.stderr
    stage.mark("go").touch()
    assert finish(process)[0] == 0
    assert stage.marked("begun") == ["work/1/1"]


# -- a process that is stopped -----------------------------------------------------------------------------------

storages = pytest.mark.parametrize("storage", ["sqlite", "jsonl"])


def stop_for(process: subprocess.Popen[str], seconds: float, stage: Stage, until: Until) -> None:
    """Stop a process until its lease and so many seconds are over."""
    os.kill(process.pid, signal.SIGSTOP)
    due = time.monotonic() + seconds
    until(lambda: stage.row().lease_until < time.time() and time.monotonic() > due, "it has slept enough")


@storages
def test_a_stopped_owner_without_a_rival_goes_on(stage: Stage, until: Until, storage: str) -> None:
    """Stopped for longer than lease and step timeout, it goes on: the attempt is answered or taken as timed out."""
    stage.short_lease(storage)
    retry = {"initial_delay_seconds": 0, "max_retries": 1}
    stage.loop(
        f"{BEGUN}; sleep 0.4; echo done",
        {"name": "one", "timeout_seconds": 1},
        "two",
        policy={"retry": retry},
    )
    process = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.marked("begun"), "the first step has begun")
    stop_for(process, 1.5, stage, until)
    os.kill(process.pid, signal.SIGCONT)
    assert finish(process)[0] == 0
    begun = stage.marked("begun")
    assert begun in (["one/1/1", "two/1/1"], ["one/1/1", "one/1/2", "two/1/1"])
    types = stage.types()
    assert (types.count("step.complete"), "loop.resume" in types) == (2, False)
    assert types.count("agent.error") == len(begun) - 2
    assert stage.damage() == []


@storages
def test_a_stopped_owner_with_a_rival_is_fenced(stage: Stage, until: Until, storage: str) -> None:
    """Awake after its step has timed out and the run has a new owner, it retries nothing and writes nothing."""
    stage.short_lease(storage)
    retry = {"initial_delay_seconds": 0, "max_retries": 5}
    step = {"name": "one", "timeout_seconds": 2}
    stage.loop(f'echo "$PPID" >> "$MARKS/drivers"; {WAITS}', step, "two", policy={"retry": retry})
    old = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.marked("begun"), "the first step has begun")
    stop_for(old, 2.5, stage, until)
    new = stage.start("resume", "latest", "--quiet")
    until(lambda: stage.marked("drivers")[1:] == [str(new.pid)], "the new owner has begun the attempt again")
    stage.mark("go").touch()
    assert finish(new)[0] == 0
    before = stage.events()
    os.kill(old.pid, signal.SIGCONT)
    code, _ = finish(old)
    assert code == 1
    assert stage.events() == before
    assert stage.marked("drivers") == [str(old.pid), str(new.pid), str(new.pid)]
    assert stage.marked("begun") == ["one/1/1", "one/1/1", "two/1/1"]
    assert stage.row().status == "completed"
    assert stage.damage() == []


def test_a_stopped_owner_of_a_step_that_may_happen_once(stage: Stage, until: Until) -> None:
    """Awake between two steps, it begins no step with effects: once while another process drives the run."""
    stage.short_lease("sqlite")
    stage.loop(WAITS, "one", {"name": "pay", "effects": "once"})
    old = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.marked("begun"), "the first step has begun")
    stop_for(old, 0, stage, until)
    new = stage.start("resume", "latest", "--quiet")
    until(lambda: len(stage.marked("begun")) == 2, "the new owner has begun the step again")
    stage.mark("go").touch()
    os.kill(old.pid, signal.SIGCONT)
    assert finish(old)[0] == 1
    assert finish(new)[0] == 0
    assert stage.marked("begun").count("pay/1/1") == 1
