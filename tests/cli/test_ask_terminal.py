"""``run`` and ``resume`` on a terminal: what the run wants to know is asked right there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .people_kit import Terminal, data_of, outputs, people, sent

if TYPE_CHECKING:
    from .conftest import Bench


@pytest.mark.slow
def test_everything_is_asked_and_the_run_goes_on(bench: Bench) -> None:
    """A choice by its number, an approval, and a rejection with a reason: one process drives the run to its end."""
    people(bench, "colour", "mail")
    with Terminal(bench, "run", ".") as terminal:
        terminal.until(
            "step 'colour' asks:\n  Which colour?\n  One that lasts.\n  1. red\n  2. blue\n  3. 2\n"
        )
        terminal.answers({"Which?": "green\n"})
        terminal.answers({"'green' is none of the choices": "", "Which? ": "1\n"})
        terminal.until("tool 'send' of step 'mail' asks:\n  may agent")
        terminal.until('to: "ann"')
        terminal.answers({"Approve?": "perhaps\n"})
        terminal.answers({"Type y to approve": "", "Approve? ": "y\n"})
        terminal.until('to: "bob"')
        terminal.answers({"Approve?": "n\n", "Why?": "not him\n"})
        terminal.answers({"Approve?": "yes\n"})
        assert terminal.ends() == 0, terminal.shown
    assert "goal_met" in terminal.shown
    assert sorted(sent(bench)) == ["ann", "cid"]
    assert {"said": "red", "declined": False} in outputs(bench)
    refused = data_of(bench, "tool.error")[0]["error"]
    assert refused.endswith("did not approve the call: not him")
    assert len(data_of(bench, "loop.pause")) == 1


@pytest.mark.slow
def test_what_is_put_off_is_not_asked_again(bench: Bench) -> None:
    """An empty line leaves one question for later, the others go on; then the run is paused with exit code 4."""
    people(bench, "free", "colour")
    with Terminal(bench, "run", ".") as terminal:
        terminal.answers({"Answer?": "\n", "Which?": "blue\n"})
        assert terminal.ends() == 4, terminal.shown
    assert terminal.shown.count("Answer?") == 1
    assert "answer:    loopengt answer" in terminal.shown
    assert outputs(bench) == [{"said": "blue", "declined": False}]
    with Terminal(bench, "resume", "latest") as terminal:
        terminal.answers({"Answer?": "go on\n"})
        assert terminal.ends() == 0, terminal.shown


@pytest.mark.slow
def test_the_end_of_the_input_ends_the_asking(bench: Bench) -> None:
    """Ctrl-D leaves this question and those behind it open: nothing is written, exit code 4."""
    people(bench, "mail")
    with Terminal(bench, "run", ".") as terminal:
        terminal.answers({"Approve?": "\x04"})
        assert terminal.ends() == 4, terminal.shown
    assert terminal.shown.count("Approve?") == 1
    assert data_of(bench, "approval.decision") == []


@pytest.mark.slow
def test_an_interrupt_ends_the_asking(bench: Bench) -> None:
    """Ctrl-C at the prompt leaves the run paused, although a question was answered before."""
    people(bench, "mail")
    with Terminal(bench, "run", ".") as terminal:
        terminal.answers({"Approve?": "y\n"})
        terminal.answers({"Approve?": "\x03"})
        assert terminal.ends() == 4, terminal.shown
    assert [data["decision"] for data in data_of(bench, "approval.decision")] == ["approved"]
    assert sent(bench) == []


@pytest.mark.slow
def test_a_rejection_that_is_broken_off_is_none(bench: Bench) -> None:
    """Ctrl-D in place of the reason writes nothing."""
    people(bench, "mail")
    with Terminal(bench, "run", ".") as terminal:
        terminal.answers({"Approve?": "n\n", "Why?": "\x04"})
        assert terminal.ends() == 4, terminal.shown
    assert data_of(bench, "approval.decision") == []


@pytest.mark.slow
def test_what_was_typed_before_the_question_is_no_answer(bench: Bench) -> None:
    """A line that was typed while the agent worked approves nothing."""
    people(bench, "plain")
    (bench.marks / "hold").touch()
    with Terminal(bench, "run", ".") as terminal:
        terminal.until("agent plain-agent")
        terminal.type("y\n")
        terminal.until("y\n")
        (bench.marks / "hold").unlink()
        terminal.answers({"Approve?": "n\n", "Why?": "\n"})
        terminal.answers({"Approve?": "n\n", "Why?": "\n"})
        assert terminal.ends() == 0, terminal.shown
    assert sent(bench) == []


@pytest.mark.slow
def test_somebody_else_answers_first(bench: Bench) -> None:
    """While the prompt stands, an answer from elsewhere settles the question, and the run goes on with it."""
    people(bench, "free")
    with Terminal(bench, "run", ".") as terminal:
        terminal.until("Answer?")
        answered = bench.run("answer", "latest", "from afar")
        assert answered.returncode == 0, answered.stderr
        assert terminal.ends() == 0, terminal.shown
    assert "It is settled already." in terminal.shown
    assert outputs(bench) == [{"said": "from afar", "declined": False}]


@pytest.mark.slow
def test_the_time_of_a_question_ends_the_prompt(bench: Bench) -> None:
    """When a gate's time is over while the prompt stands, its timeout decides, and the run goes on."""
    gate = {"name": "sign-off", "kind": "approval", "timeout_seconds": 1, "on_timeout": "approve"}
    spec = people(bench, "busy", approval=False, policy={"verification_gates": [gate]})
    spec["steps"][0]["verification_gates"] = ["sign-off"]
    bench.write("loop.yaml", json.dumps(spec))
    with Terminal(bench, "run", ".") as terminal:
        terminal.until("gate 'sign-off' of step 'busy' asks:")
        assert terminal.ends() == 0, terminal.shown
    assert [data["by"] for data in data_of(bench, "approval.decision")] == ["timeout"]


@pytest.mark.slow
def test_nobody_is_asked_who_did_not_want_to_be(bench: Bench) -> None:
    """With ``--no-ask``, ``--quiet`` or ``--json`` the run pauses at once, on a terminal too."""
    people(bench, "free")
    for option in ("--no-ask", "--quiet", "--json"):
        with Terminal(bench, "run", ".", option) as terminal:
            assert terminal.ends() == 4, terminal.shown
        assert "Answer?" not in terminal.shown
