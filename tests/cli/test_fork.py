"""``loopengt fork`` and ``resume --checkpoint``: a run goes on from a place of another."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Bench

SCRIPT = """
import json, os, pathlib, sys
with (pathlib.Path(os.environ["MARKS"]) / "calls").open("a") as calls:
    calls.write(os.environ["LOOPENGT_STEP"] + " ")
with open("log.txt", "a") as log:
    log.write(os.environ["LOOPENGT_STEP"] + " ")
print(json.dumps({"heard": sys.stdin.read()}))
"""
"""Writes down that it was called, outside and in its workspace, and answers with its prompt."""


def write(bench: Bench, *names: str, file: str = "loop.yaml", **fields: Any) -> None:
    """Write a loop of some steps, the second of which saves a checkpoint."""
    steps = [
        {"name": name, "agent": "counter", "prompt_template": f"{name} {{mood}}", "checkpoint": name == "b"}
        for name in names
    ]
    bench.loop(SCRIPT, pattern="sequential", steps=steps, policy={}, context={"mood": "calm"}, **fields)
    if file != "loop.yaml":
        (bench.project / "loop.yaml").rename(bench.project / file)


@pytest.fixture
def run_id(bench: Bench) -> str:
    """A run of four steps that has met its goal."""
    write(bench, *"abcd")
    done = bench.run("run", ".", "-q")
    assert done.returncode == 0, done.stderr
    found: str = bench.only_run()["run_id"]
    (bench.marks / "calls").unlink()
    return found


def calls(bench: Bench) -> str:
    """Say which steps were executed since."""
    return (bench.marks / "calls").read_text().strip()


@pytest.mark.slow
def test_a_fork_goes_on_from_its_place(bench: Bench, run_id: str) -> None:
    """Only what comes behind the place is executed; the fork is named, and is the latest run."""
    done = bench.run("fork", "latest", "--at", "c")
    assert done.returncode == 0, done.stderr
    assert calls(bench) == "c d"
    newest, oldest = bench.runs()
    assert oldest["run_id"] == run_id
    assert f"Run {newest['run_id']} is a fork of run {run_id} at c." in done.stderr
    assert "goal_met" in done.stderr
    assert "note:" not in done.stderr, "a checkpoint has its files"
    log = bench.project / ".loopengt" / "workspaces" / newest["run_id"] / "log.txt"
    assert log.read_text() == "a b c d "
    tree = bench.run("trace", "latest").stdout
    assert f"forked from run {run_id} at c" in tree


@pytest.mark.slow
def test_values_can_be_set(bench: Bench, run_id: str) -> None:
    """--set counts from the place on; what the run was started with stays."""
    done = bench.run("fork", run_id[:-3], "--at", "d#1", "--set", "mood=wild", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event_type"] == "loop.resume"
    prompts = [event["data"]["prompt"] for event in events if event["event_type"] == "agent.invoke"]
    assert prompts == ["d wild"]
    assert len({event["run_id"] for event in events}) == 1


@pytest.mark.slow
def test_files_that_were_not_kept_are_said(bench: Bench, run_id: str) -> None:
    """The summary says plainly what the files are, also when it is quiet."""
    done = bench.run("fork", run_id, "--at", "d", "-q")
    assert done.returncode == 0, done.stderr
    assert "note: Its files are those of checkpoint b@1, 1 step before its place." in done.stderr


@pytest.mark.slow
def test_another_loop_can_be_gone_by(bench: Bench, run_id: str) -> None:
    """--spec names it; one that does not fit what was done is refused, and nothing is left of the fork."""
    write(bench, *"abxd", file="other.yaml")
    done = bench.run("fork", run_id, "--at", "c", "--spec", "other.yaml", "-q")
    assert done.returncode == 0, done.stderr
    assert calls(bench) == "x d"
    refused = bench.run("fork", run_id, "--at", "d", "--spec", "other.yaml")
    assert refused.returncode == 2
    assert "does not fit the given loop" in refused.stderr
    assert "Fork at an earlier place" in refused.stderr
    assert len(bench.runs()) == 2
    assert len(list((bench.project / ".loopengt" / "workspaces").iterdir())) == 2


@pytest.mark.slow
def test_a_checkpoint_is_resumed_in_a_fork(bench: Bench, run_id: str) -> None:
    """resume --checkpoint leaves the run as it is and says the id of the new one."""
    before = bench.run("trace", run_id, "-f", "json").stdout
    done = bench.run("resume", run_id, "--checkpoint", "b@1", "-q")
    assert done.returncode == 0, done.stderr
    assert calls(bench) == "c d"
    newest = bench.runs()[0]["run_id"]
    assert f"Run {newest} is a fork of run {run_id} at b@1." in done.stderr
    assert bench.run("trace", run_id, "-f", "json").stdout == before
    both = bench.run("resume", run_id, "--checkpoint", "b@1", "--accept-spec")
    assert (both.returncode, "fork RUN --at ID --spec FILE" in both.stderr) == (2, True)


@pytest.mark.slow
def test_what_cannot_be_done_is_a_usage_error(bench: Bench, run_id: str) -> None:
    """An unknown place lists what there is; no such run, bad words and no place at all have exit code 2, too."""
    unknown = bench.run("fork", run_id, "--at", "nowhere")
    assert unknown.returncode == 2
    assert "has no place 'nowhere'" in unknown.stderr
    assert "Steps that have begun: a, b, c, d. Checkpoints: b@1." in unknown.stderr
    for words in (
        ("fork", "no-such-run", "--at", "a"),
        ("fork", run_id),
        ("fork", run_id, "--at", "c", "--set", "mood"),
        ("fork", run_id, "--at", "c", "--spec", "missing.yaml"),
        ("fork", run_id, "--at", "c", "-q", "-v"),
        ("resume", run_id, "--checkpoint", "nowhere"),
    ):
        refused = bench.run(*words)
        assert refused.returncode == 2, refused.stderr
        assert "Traceback" not in refused.stderr
    assert len(bench.runs()) == 1


@pytest.mark.slow
def test_exit_codes_are_those_of_run(bench: Bench, run_id: str) -> None:
    """A fork that fails ends with 1, one that is exhausted with 3."""
    write(bench, *"abcd", file="other.yaml")
    spec = json.loads((bench.project / "other.yaml").read_text())
    failing = bench.agent("counter", [sys.executable, "-c", "raise SystemExit(3)"])
    for changes, code in (({"agents": [failing]}, 1), ({"policy": {"max_turns": 2}}, 3)):
        (bench.project / "other.yaml").write_text(json.dumps(spec | changes))
        done = bench.run("fork", run_id, "--at", "c", "--spec", "other.yaml", "-q")
        assert done.returncode == code, done.stderr


@pytest.mark.slow
def test_an_interrupted_fork_can_be_resumed(bench: Bench, hang: str) -> None:
    """Ctrl-C pauses it with exit code 130, like any run; its own id takes it up again."""
    import signal

    bench.loop("print('{}')", pattern="sequential", policy={}, steps=[
        {"name": "one", "agent": "counter"}, {"name": "two", "agent": "counter", "checkpoint": True},
    ])  # fmt: skip
    assert bench.run("run", ".", "-q").returncode == 0
    source = bench.only_run()["run_id"]
    (bench.project / "hang.py").write_text(hang)
    spec = json.loads((bench.project / "loop.yaml").read_text())
    spec["agents"] = [bench.agent("counter", [sys.executable, str(bench.project / "hang.py")])]
    (bench.project / "hanging.yaml").write_text(json.dumps(spec))
    process = bench.start("fork", source, "--at", "two", "--spec", "hanging.yaml")
    bench.pids()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    forked = bench.runs()[0]
    assert (forked["status"], forked["reason"]) == ("paused", "interrupted")
    assert f"resume {forked['run_id']}" in err
    bench.go()
    assert bench.run("resume", forked["run_id"], "-q").returncode == 0
