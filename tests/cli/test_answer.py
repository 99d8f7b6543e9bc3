"""The command ``answer``, and questions of tools answered by ``approve`` and ``reject``, as real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import environment
from .people_kit import Terminal, data_of, outputs, people, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Labelled = Callable[[str, str], str]


def pause(bench: Bench, *functions: str) -> str:
    """Run a loop whose agents ask until it pauses, and return what it says."""
    people(bench, *functions)
    paused = bench.run("run", ".")
    assert paused.returncode == 4, paused.stderr
    return paused.stderr


@pytest.mark.slow
def test_what_a_paused_run_prints_asks_for_the_answer(bench: Bench, labelled: Labelled) -> None:
    """The printed line, typed with the answer in its stdin, answers; what it prints then goes on with the run."""
    shown = pause(bench, "colour")
    assert "  1. red\n  2. blue\n  3. 2\nanswer:    loopengt answer " in shown
    answered = bench.type(f"echo blue | {labelled(shown, 'answer:')}", bench.project)
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith("Answered: step 'colour' of run ")
    resumed = bench.type(labelled(answered.stdout, "resume:"), bench.project)
    assert resumed.returncode == 0, resumed.stderr
    assert outputs(bench) == [{"said": "blue", "declined": False}]
    (decision,) = data_of(bench, "approval.decision")
    assert (decision["decision"], decision["comment"]) == ("approved", "blue")


@pytest.mark.slow
def test_an_answer_that_does_not_fit_is_not_written(bench: Bench) -> None:
    """None of the choices, no JSON, JSON against the schema, nothing at all: exit code 2, why, and no event."""
    pause(bench, "colour", "size")
    refused = {
        ("green", "colour"): "'green' is none of the choices: 1 red, 2 blue, 3 2",
        ("4", "colour"): "none of the choices",
        (" ", "colour"): "the answer is empty",
        ("two", "size"): "the answer is not JSON",
        ('{"metres": NaN}', "size"): "the answer is not JSON: NaN",
        ('{"metres": "two"}', "size"): '$.metres: "two" is not of type "number"',
    }
    for (text, step), why in refused.items():
        done = bench.run("answer", "latest", text, "--step", step)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr
        assert "Nothing was written." in done.stderr
    piped = bench.run("answer", "latest", "--step", "size")
    assert (piped.returncode, "the answer is empty" in piped.stderr) == (2, True)
    assert data_of(bench, "approval.decision") == []
    assert bench.run("answer", "latest", "--step", "colour", "2").returncode == 0
    last = bench.run("answer", "latest", '{"metres": 2}', "--resume")
    assert last.returncode == 0, last.stderr
    assert {"said": "2", "declined": False} in outputs(bench), "a choice itself counts before a number"
    assert '{"metres": 2}' in outputs(bench)


@pytest.mark.slow
def test_a_question_is_declined(bench: Bench) -> None:
    """``--decline`` with a reason tells the agent so; the reason is not held against the choices."""
    pause(bench, "colour")
    declined = bench.run("answer", "latest", "none of them", "--decline", "--resume")
    assert declined.returncode == 0, declined.stderr
    assert declined.stdout.startswith("Declined: step 'colour' of run ")
    assert outputs(bench) == [{"said": "none of them", "declined": True}]


@pytest.mark.slow
def test_the_answer_is_asked_for_on_a_terminal(bench: Bench) -> None:
    """Without TEXT the question is shown, and asked until the answer fits; Ctrl-C writes nothing."""
    pause(bench, "colour")
    with Terminal(bench, "answer", "latest") as terminal:
        terminal.until("Which colour?\nOne that lasts.\n  1. red\n")
        terminal.answers({"Answer:": "\x03"})
        assert terminal.ends() != 0
    assert data_of(bench, "approval.decision") == []
    with Terminal(bench, "answer", "latest") as terminal:
        terminal.answers({"Answer:": "green\n", "none of the choices": ""})
        terminal.answers({"Answer:": "1\n"})
        assert terminal.ends() == 0, terminal.shown
    assert [data["comment"] for data in data_of(bench, "approval.decision")] == ["red"]


@pytest.mark.slow
def test_approve_and_answer_point_to_each_other(bench: Bench) -> None:
    """Words for a question about a tool, approval for one that wants words: exit code 2 and the right line."""
    pause(bench, "free", "plain")
    run_id = bench.only_run()["run_id"]
    wrong = bench.run("approve", "latest", "--step", "free")
    assert (wrong.returncode, "step 'free' needs an answer, and no approval" in wrong.stderr) == (2, True)
    assert f"answer:    loopengt answer {run_id}\n" in wrong.stderr
    wrong = bench.run("answer", "latest", "yes", "--step", "plain")
    assert (wrong.returncode, "needs an approval, and no answer" in wrong.stderr) == (2, True)
    assert f"approve:   loopengt approve {run_id}\n" in wrong.stderr
    assert data_of(bench, "approval.decision") == []
    assert bench.run("answer", "latest", "yes").returncode == 0, "only one question wants words"
    assert bench.run("approve", "latest").returncode == 0, "only one wants an approval"


@pytest.mark.slow
def test_alike_calls_have_numbers_that_stay(bench: Bench) -> None:
    """Each call is shown with its arguments in short, and a number that means it also when others are answered."""
    shown = pause(bench, "mail")
    assert '  to: "ann"\n  body: "xxx' in shown
    assert max(map(len, shown.splitlines())) < 300
    lines = [line.partition(":")[2] for line in shown.splitlines() if line.startswith("approve:")]
    assert [line.split()[-2:] for line in lines] == [["--question", str(number)] for number in (1, 2, 3)]
    assert bench.run("approve", "latest", "--tool", "send").returncode == 2
    first = bench.type(lines[0], bench.project)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Approved: tool 'send' of step 'mail' of run ")
    again = bench.type(lines[0], bench.project)
    assert (again.returncode, "does not ask for question 1" in again.stderr) == (2, True)
    refused = bench.run("reject", "latest", "--question", "2", "--comment", "not him")
    assert refused.returncode == 0, refused.stderr
    assert bench.run("approve", "latest", "--resume").returncode == 0
    assert sorted(sent(bench)) == ["ann", "cid"]


@pytest.mark.slow
def test_all_at_once(bench: Bench) -> None:
    """``--all`` answers every question that fits, and none of another tool or kind."""
    pause(bench, "mail", "free")
    assert bench.run("approve", "latest", "--all", "--tool", "other").returncode == 2
    done = bench.run("reject", "latest", "--all", "--comment", "nobody")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Rejected: tool 'send' of step 'mail'") == 3
    assert "step 'free' asks: What now?" in done.stdout
    decided = data_of(bench, "approval.decision")
    assert [(data["tool"], data["comment"]) for data in decided] == [("send", "nobody")] * 3


@pytest.mark.slow
def test_questions_of_a_sub_loop_are_answered_for_the_parent(bench: Bench, labelled: Labelled) -> None:
    """The parent shows the child's choices and arguments, and its printed lines answer and approve them."""
    spec = people(bench, "colour", "plain")
    bench.write("child.yaml", json.dumps(spec))
    people(bench, "free", steps=[{"name": "sub", "loop": "child.yaml"}])
    paused = bench.run("run", ".")
    assert paused.returncode == 4, paused.stderr
    assert "  1. red\n" in paused.stderr
    assert '  to: "bob"\n' in paused.stderr
    answered = bench.type(f"echo 1 | {labelled(paused.stderr, 'answer:')}", bench.project)
    assert answered.returncode == 0, answered.stderr
    approved = bench.type(f"{labelled(paused.stderr, 'approve:')} --resume", bench.project)
    assert approved.returncode == 4, approved.stderr
    done = bench.run("approve", "latest", "--resume")
    assert done.returncode == 0, done.stderr
    assert sent(bench) == ["bob"]


@pytest.mark.slow
def test_an_endless_answer_is_refused(bench: Bench) -> None:
    """What never ends on stdin is not read to its end, and not written."""
    pause(bench, "free")
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        done = subprocess.run(
            [sys.executable, "-m", "loopengt", "answer", "latest"],
            cwd=bench.project,
            env=environment(),
            stdin=endless.stdout,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        endless.kill()
    assert (done.returncode, "longer than 200,000 characters" in done.stderr) == (2, True)
    assert data_of(bench, "approval.decision") == []
