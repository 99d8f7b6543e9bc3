"""The commands ``approve`` and ``reject``, and commands that wait for them, as real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Labelled = Callable[[str, str], str]
    Until = Callable[..., None]

ECHO = """
import os, pathlib, sys
with (pathlib.Path(os.environ["MARKS"]) / "calls").open("a") as calls:
    calls.write("x")
print(sys.stdin.read())
"""
"""Answers with its prompt, and counts how often it was called."""


def asking(bench: Bench, *gates: str, script: str = ECHO, **gate: Any) -> None:
    """Write a loop of one step with approval gates, by default one."""
    names = gates or ("sign-off",)
    bench.loop(
        script,
        pattern="sequential",
        steps=[{"name": "deploy", "agent": "counter", "verification_gates": [*names]}],
        policy={
            "retry": {"initial_delay_seconds": 0},
            "verification_gates": [
                {"name": name, "kind": "approval", "description": f"{name}: deploy?", **gate}
                for name in names
            ],
        },
    )


def branches(bench: Bench, hang: str, *others: str) -> None:
    """Write a loop with a branch that hangs until it is let go, and one or more that ask."""
    asking(bench)
    spec = json.loads((bench.project / "loop.yaml").read_text())
    bench.write("hang.py", hang)
    spec["agents"].append(bench.agent("hanger", [sys.executable, "hang.py"]))
    spec["steps"].append({"name": "hangs", "agent": "hanger"})
    spec["steps"] += [spec["steps"][0] | {"name": name} for name in others]
    bench.write("loop.yaml", json.dumps(spec | {"pattern": "parallel_fan_out"}))


def calls(bench: Bench) -> int:
    """Say how often the agent was called."""
    return len((bench.marks / "calls").read_text())


def events(bench: Bench, *kinds: str) -> list[dict[str, Any]]:
    """Return the data of a run's events of some types."""
    found = map(json.loads, bench.run("trace", "latest", "-f", "jsonl").stdout.splitlines())
    return [event["data"] for event in found if event["event_type"] in kinds]


def is_asked(bench: Bench) -> Callable[[], bool]:
    """Return whether the newest run has asked something."""
    return lambda: bool(events(bench, "approval.request"))


@pytest.mark.slow
def test_what_a_paused_run_prints_can_be_typed(bench: Bench, labelled: Labelled) -> None:
    """Exit code 4 with the question; the printed lines approve it and go on, without a second call of the agent."""
    asking(bench)
    paused = bench.run("run", ".")
    assert paused.returncode == 4
    assert "approval_required: gate 'sign-off' of step 'deploy' asks: sign-off: deploy?" in paused.stderr
    approved = bench.type(labelled(paused.stderr, "approve:"), bench.project)
    assert approved.returncode == 0, approved.stderr
    run_id = bench.only_run()["run_id"]
    assert approved.stdout.startswith(f"Approved: gate 'sign-off' of step 'deploy' of run {run_id}.\n")
    assert bench.only_run()["status"] == "paused", "the answer is kept, but nobody was told to go on"
    resumed = bench.type(labelled(approved.stdout, "resume:"), bench.project)
    assert resumed.returncode == 0, resumed.stderr
    assert calls(bench) == 1
    (proof,) = (data["proof"] for data in events(bench, "gate.pass"))
    assert (proof["decision"], "@" in proof["by"]) == ("approved", True)


@pytest.mark.slow
def test_a_comment_is_feedback(bench: Bench) -> None:
    """``reject --comment TEXT --resume`` sends the text to the agent and pauses for its new work, with exit code 4."""
    asking(bench)
    assert bench.run("run", ".", "-q").returncode == 4
    rejected = bench.run("reject", "latest", "--comment", "mind the {typo}", "--resume")
    assert rejected.returncode == 4, rejected.stderr
    assert rejected.stdout.startswith("Rejected: gate 'sign-off'")
    prompts = [data["prompt"] for data in events(bench, "agent.invoke")]
    assert ["mind the {typo}" in prompt for prompt in prompts] == [False, True]
    assert bench.run("approve", "latest", "--resume").returncode == 0
    shown = bench.run("trace", "latest").stdout
    assert "gate sign-off FAIL  rejected by " in shown
    assert "mind the {typo}" in shown


@pytest.mark.slow
def test_one_of_several_questions_must_be_named(bench: Bench, hang: str, labelled: Labelled) -> None:
    """Without a name all are listed, each with a line that answers it, and the exit code is 2."""
    branches(bench, hang, "other")
    bench.go()
    paused = bench.run("run", ".", "-q")
    assert paused.returncode == 4, paused.stderr
    refused = bench.run("approve", "latest", "--gate", "sign-off")
    assert (refused.returncode, "asks 2 questions" in refused.stderr) == (2, True)
    lines = [line.partition(":")[2] for line in refused.stderr.splitlines() if line.startswith("approve:")]
    typed = {
        line.rpartition(" ")[2]: line for line in lines
    }  # which of the two asks first is their own affair
    assert typed.keys() == {"deploy", "other"}
    assert events(bench, "approval.decision") == []
    first = bench.type(typed["deploy"], bench.project)
    assert first.returncode == 0, first.stderr
    assert "gate 'sign-off' of step 'other' asks" in first.stdout
    assert bench.run("approve", "latest", "--step", "other", "--resume").returncode == 0


@pytest.mark.slow
def test_what_is_not_asked_cannot_be_answered(bench: Bench) -> None:
    """An unknown gate, a run that asks nothing any more, one that has ended, none at all: exit code 2, and why."""
    assert bench.run("approve", "latest").returncode == 2
    asking(bench)
    assert bench.run("run", ".", "-q").returncode == 4
    unknown = bench.run("approve", "latest", "--gate", "signoff")
    assert (unknown.returncode, "does not ask for gate 'signoff'" in unknown.stderr) == (2, True)
    assert "gate 'sign-off' of step 'deploy' asks" in unknown.stderr
    assert bench.run("approve", "latest").returncode == 0
    for command in ("approve", "reject"):
        again = bench.run(command, "latest")
        assert again.returncode == 2
        assert (
            "asks nothing any more: gate 'sign-off' of step 'deploy' was approved already by" in again.stderr
        )
    assert bench.run("resume", "latest", "-q").returncode == 0
    ended = bench.run("reject", "latest")
    assert (ended.returncode, "has ended already: goal_met" in ended.stderr) == (2, True)
    assert len(events(bench, "approval.decision")) == 1


@pytest.mark.slow
def test_an_unknown_outcome_is_no_matter_of_approval(bench: Bench, hang: str) -> None:
    """A once-step that was cut short is answered with ``resume --unknown-outcome``; the error has the lines."""
    bench.loop(hang, pattern="sequential", steps=[{"name": "count", "agent": "counter", "effects": "once"}])
    process = bench.start("run", ".")
    bench.pids()
    process.kill()
    process.communicate(timeout=60)
    bench.go()
    assert bench.run("resume", "latest", "-q").returncode == 4
    refused = bench.run("approve", "latest")
    assert refused.returncode == 2
    (line,) = (line for line in refused.stderr.splitlines() if line.endswith("--unknown-outcome done"))
    answered = bench.type(line.partition(":")[2], bench.project)
    assert answered.returncode == 0, answered.stderr


@pytest.mark.slow
def test_a_driven_run_takes_the_answer(bench: Bench, hang: str, wait_until: Until) -> None:
    """While another branch works, the command returns when the answer is durable; the run never pauses."""
    branches(bench, hang)
    process = bench.start("-o", "local.poll_seconds=0.1", "run", ".", "--quiet")
    bench.pids()
    wait_until(is_asked(bench))
    approved = bench.run("approve", "latest")
    assert approved.returncode == 0, approved.stderr
    assert f"driven by process {process.pid} " in approved.stdout
    assert len(events(bench, "approval.decision")) == 1
    bench.go()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert events(bench, "loop.pause") == []


@pytest.mark.slow
def test_an_answer_outlives_the_owner(bench: Bench, hang: str, wait_until: Until) -> None:
    """When the driving process dies without having taken the answer, the command writes it down itself."""
    branches(bench, hang)
    process = bench.start("-o", "local.poll_seconds=1000", "run", ".", "--quiet")
    bench.pids()
    wait_until(is_asked(bench))
    approving = bench.start("approve", "latest")
    with pytest.raises(subprocess.TimeoutExpired):
        approving.wait(2)  # it has nobody to give the answer to
    process.kill()
    process.communicate(timeout=60)
    out, err = approving.communicate(timeout=60)
    assert (approving.returncode, "Approved: " in out) == (0, True), err
    bench.go()
    resumed = bench.run("resume", "latest", "-q")
    assert resumed.returncode == 0, resumed.stderr
    assert len(events(bench, "approval.decision")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("second", ["approve", "reject"])
def test_two_people_at_once(bench: Bench, second: str) -> None:
    """The first answer counts, and the other person is told; who said otherwise is, with exit code 2."""
    asking(bench)
    assert bench.run("run", ".", "-q").returncode == 4
    people = [bench.start("approve", "latest"), bench.start(second, "latest")]
    said = [(*person.communicate(timeout=60), person.returncode) for person in people]
    (decision,) = events(bench, "approval.decision")
    assert sorted("already by" in out + err for out, err, _ in said) == [False, True]
    (late,) = (person for person in said if "already by" in person[0] + person[1])
    if second == "reject":
        assert late[2] == 2
    (first,) = (person for person in said if person is not late)
    assert (first[2], first[0].split(":")[0].lower()) == (0, decision["decision"])


@pytest.mark.slow
def test_wait_goes_on_with_the_answer(bench: Bench) -> None:
    """``run --wait`` shows what is asked and stays until it is answered, for each question anew."""
    asking(bench)
    waiting = bench.start("run", ".", "--wait", "--quiet")
    assert waiting.stderr is not None
    for command in ("reject", "approve"):
        while "needs a person's answer" not in waiting.stderr.readline():
            assert waiting.poll() is None
        assert "asks: sign-off: deploy?" in waiting.stderr.readline()
        answered = bench.run(command, "latest")
        assert answered.returncode == 0, answered.stderr
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    assert "goal_met" in err
    assert calls(bench) == 2


@pytest.mark.slow
def test_wait_ends_with_the_time_for_an_answer(bench: Bench) -> None:
    """A gate's timeout decides while a command waits."""
    asking(bench, timeout_seconds=1, on_timeout="approve")
    done = bench.run("run", ".", "--wait", "--quiet")
    assert done.returncode == 0, done.stderr
    assert [data["by"] for data in events(bench, "approval.decision")] == ["timeout"]


@pytest.mark.slow
def test_interrupted_while_waiting(bench: Bench) -> None:
    """Ctrl-C while a command waits for an answer leaves the run paused, and it can be answered."""
    asking(bench)
    waiting = bench.start("run", ".", "--wait", "--quiet")
    assert waiting.stderr is not None
    assert "needs a person's answer" in waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 4, err
    assert (bench.only_run()["status"], bench.only_run()["reason"]) == ("paused", "approval_required")
    assert bench.run("approve", "latest", "--resume").returncode == 0
