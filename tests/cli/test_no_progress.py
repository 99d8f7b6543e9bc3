"""Loops as people complain of them: those in circles are ended, those that work are left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Bench

pytestmark = pytest.mark.slow  # real processes, seconds each

HEAD = """
import json, os, pathlib, random, subprocess
lap = int(os.environ["LOOPENGT_OCCURRENCE"])
def git(*arguments):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments], check=True,
                   capture_output=True)
"""

TESTS = """
import pathlib, random, time
def test_slowly():
    time.sleep(random.random() / 20)
def test_goal():
    assert pathlib.Path("answer.txt").read_text() == "42", object()
"""

PYTEST = {
    "name": "tests",
    "kind": "command",
    "command": [sys.executable, "-m", "pytest", "-q", "test_goal.py"],
}
QUICK = {
    "name": "tests",
    "kind": "command",
    "command": 'grep -qx 42 answer.txt || { echo "assert: 1 failed in 0.$(date +%N)s"; exit 1; }',
}


def loop(bench: Bench, script: str, *, gate: Any = None, repeats: int = 2, **changes: Any) -> None:
    """Write a project in git with a loop that may come to nothing new so often, and take eight turns."""
    bench.write("answer.txt", "41")
    bench.write("test_goal.py", TESTS)
    gates = [QUICK] if gate is None else gate
    policy = {
        "max_turns": 8,
        "no_progress": {"max_repeats": repeats},
        "verification_gates": gates,
        **changes.pop("policy", {}),
    }
    steps = [{"name": "work", "agent": "counter", "verification_gates": [each["name"] for each in gates]}]
    bench.loop(HEAD + script, steps=steps, policy=policy, **changes)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "before"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=bench.project, check=True)


def end(bench: Bench) -> tuple[int, str, int]:
    """Run the loop; return the exit code, the reason of the end and the turns taken."""
    done = bench.run("run", "loop.yaml", "--quiet")
    row = bench.only_run()
    assert done.stderr.startswith(f"{row['reason']}: "), done.stderr
    return done.returncode, row["reason"], row["turn"]


NEVER = [{"name": "promise", "condition": "'COMPLETE' in output"}]


def test_the_backstop_is_on_by_default(bench: Bench) -> None:
    """A promise that never comes does not keep a loop going: without any limit declared it takes 50 turns."""
    bench.loop('print("promise")', goal="'COMPLETE' in output")
    spec = json.loads((bench.project / "loop.yaml").read_text())
    del spec["policy"]["max_turns"]
    bench.write("loop.yaml", json.dumps(spec))
    assert end(bench) == (3, "exhausted", 50)


def test_a_promise_that_never_comes(bench: Bench) -> None:
    """The same answer without the promise, over and over, ends the loop early."""
    loop(bench, 'print("still working on it")', gate=NEVER)
    assert end(bench) == (3, "no_progress", 4)


def test_a_goal_that_cannot_be_met(bench: Bench) -> None:
    """Tests that fail the same way, in other times and after other words, end the loop and are named."""
    loop(
        bench, 'pathlib.Path("answer.txt").write_text("43"); print("Fixed!", random.random())', gate=[PYTEST]
    )
    done = bench.run("run", "loop.yaml", "--quiet")
    assert done.returncode == 3
    assert "step 'work' came to nothing new 3 times (max_repeats: 2)" in done.stderr
    assert "the workspace is as it was before, and so is the failure: [tests]" in done.stderr
    assert bench.only_run()["turn"] == 4


@pytest.mark.parametrize(
    "script",
    [
        'print("Waiting for your input.", random.random())',
        'git("commit", "-q", "--allow-empty", "-m", f"checkpoint {lap}"); print("committed", lap)',
        'pathlib.Path("answer.txt").write_text(f"4{lap % 2}"); print("toggled", random.random())',
        'pathlib.Path("test_goal.py").touch(); print("touched", random.random())',
    ],
    ids=["words", "empty commits", "back and forth", "touched"],
)
def test_turns_without_work(bench: Bench, script: str) -> None:
    """Turns that do nothing are not healthy because the agent ended well: words, empty commits, to and fro."""
    loop(bench, script)
    assert end(bench)[:2] == (3, "no_progress")


@pytest.mark.parametrize(
    "script",
    [
        'pathlib.Path("log.txt").write_text(str(lap)); git("add", "-A"); git("commit", "-qm", "x"); print("ok")',
        'pathlib.Path(f"new-{lap}.txt").touch(); print("ok")',
        'pathlib.Path("work.txt").write_text(str(lap)); print(json.dumps({"topic": "task.start"}))',
    ],
    ids=["commits inside the loop", "untracked files", "one topic"],
)
def test_work_that_others_overlook(bench: Bench, script: str) -> None:
    """Committed work, untracked files, other work under the same heading: the loop goes on to its limit."""
    loop(bench, script, repeats=1)
    assert end(bench) == (3, "exhausted", 8)


def test_good_laps_of_a_loop_that_answers_in_json(bench: Bench) -> None:
    """Laps that each answer something else in JSON are no circle, however alike they look from afar."""
    goal = [{"name": "all", "condition": "output.done >= 7"}]
    loop(bench, 'print(json.dumps({"status": "ok", "done": lap}))', gate=goal, repeats=1)
    assert end(bench) == (0, "goal_met", 7)


def test_fewer_failures_each_lap(bench: Bench) -> None:
    """ "3 failed", "2 failed", "1 failed", then none: that is progress, though nothing else changes."""
    count = 'n=$((4 - $(echo $LOOPENGT_IDEMPOTENCY_KEY | cut -d/ -f3))); echo "$n failed in 0.1s"; exit $n'
    gate = [{"name": "tests", "kind": "command", "command": count}]
    loop(bench, 'print("ok")', gate=gate, repeats=1)
    assert end(bench) == (0, "goal_met", 4)


def test_a_metric_decides(bench: Bench) -> None:
    """A number that a command reads from the work is what counts: while it creeps up the loop goes on."""
    script = 'pathlib.Path("score").write_text(str(min(lap, 5))); print("words", random.random())'
    metric = {"command": ["cat", "score"], "direction": "up"}
    policy = {"no_progress": {"max_repeats": 1, "metric": metric}}
    loop(bench, script, gate=NEVER, policy=policy)
    assert end(bench) == (3, "no_progress", 7)


def test_one_who_is_stuck_is_told_of_it_first(bench: Bench) -> None:
    """Until the limit the agent hears the same failure as feedback; an agent that turns to something else goes on."""
    script = """
text = os.environ.get("PROMPT", "") + __import__("sys").stdin.read()
answer = 42 if text.count("assert") and lap > 2 else 43
pathlib.Path("answer.txt").write_text(str(answer)); print("tried", lap)
"""
    loop(bench, script)
    assert end(bench) == (0, "goal_met", 3)


def test_a_stuck_run_can_be_looked_into(bench: Bench) -> None:
    """The journal tells of each attempt what it came to, so that a person sees since when the run was stuck."""
    loop(bench, 'print("same")', gate=NEVER)
    end(bench)
    trace = bench.run("trace", "latest", "--format", "jsonl")
    events = [json.loads(line) for line in trace.stdout.splitlines()]
    came = [event["data"]["new"] for event in events if event["event_type"] == "progress"]
    assert came == [True, False, False, False]
