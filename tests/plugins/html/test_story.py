"""What the page's data says of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt_html.exporter import HtmlExporter
from loopengt_html.paths import END, START

from .conftest import element
from .runs import RUN, Journal, Recorded, rich


def told(recorded: Recorded) -> list[dict[str, Any]]:
    """Return the runs that the page of a run tells."""
    runs: list[dict[str, Any]] = json.loads(element(HtmlExporter().export(*recorded), "data"))["runs"]
    return runs


def edges(run: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Return the ways between steps."""
    return {(before, after): times for before, after, times in run["graph"]["edges"]}


def test_an_execution_has_its_attempts_with_calls_and_gates() -> None:
    """Attempts, why another was made, calls with their outcome, verdicts with feedback, tokens and cost."""
    code = told(rich())[0]["executions"][1]
    first, second = code["attempts"]
    assert [call["name"] for call in first["calls"]] == ["read_file", "edit_file", "write_file"]
    assert [call["status"] for call in first["calls"]] == ["ok", "ok", "failed"]
    assert first["calls"][2]["error"] == "outside of the workspace"
    assert [check["passed"] for check in first["checks"]] == [False]
    assert (second["after"], second["waited"]) == ("gate", 1.5)
    assert (first["tokens"], first["cost"]) == (4_800, 0.048)
    assert code["status"] == "completed"


def test_the_totals_are_those_of_the_run_alone() -> None:
    """What a child run has used is part of its step already, and counts once."""
    run, child = told(rich())
    assert run["tokens"] == sum(step["tokens"] for step in run["perStep"]) == 18_200
    assert child["tokens"] == 1_600
    assert run["growth"][-1][1:] == [18_200, 0.182]


def test_a_child_run_knows_its_step() -> None:
    """The attempt names its child run, and the child the execution that it does."""
    run, child = told(rich())
    review = run["executions"][2]
    assert review["attempts"][0]["child"] == 1
    assert child["parent"] == review["n"]
    assert child["id"] == f"{RUN}.0badcafe"


def test_pauses_are_no_driven_time() -> None:
    """A pause lies between an end and the resume, and counts neither for the run nor for its steps."""
    run = told(rich())[0]
    assert [why for _, _, why in run["pauses"]] == ["exhausted", "approval_required"]
    assert run["pauses"][1][1] - run["pauses"][1][0] == pytest.approx(50_000.1)
    assert run["driven"] < 70
    deploy = next(step for step in run["perStep"] if step["step"] == "deploy")
    assert deploy["seconds"] < 5


def test_a_crash_is_a_pause_too() -> None:
    """Without an end before it, the time until a resume is a pause after a crash."""
    run = Journal()
    where = run.begin("work")
    run.add("loop.resume", None, 100.0, elapsed=5.0, turn=1, tokens=0, cost_usd=0.0)
    run.add("step.start", "work", agent="worker", **where)
    run.answer("work", "done")
    run.add("step.complete", "work", **where)
    run.done()
    found = told(run.record())[0]
    assert [why for _, _, why in found["pauses"]] == ["crash"]
    assert found["notes"][0]["text"] == "resumed after a crash"
    assert len(found["executions"]) == len(found["executions"][0]["attempts"]) == 1


def test_judges_are_found_with_their_step_or_with_the_run() -> None:
    """A score of a gate belongs to its attempt; one of an evaluation after the end belongs to the run."""
    run = told(rich())[0]
    (score,) = run["executions"][2]["attempts"][0]["scores"]
    assert (score["judge"], score["score"], score["passed"], score["gate"]) == (
        "quality",
        0.55,
        False,
        "good-enough",
    )
    assert score["criteria"] == {"correct": 0.55, "clear": 0.8}
    assert [score["evaluation"] for score in run["scores"]] == ["e-1"]
    assert run["reason"] == "goal_met", "what stands behind the end does not change it"


def test_notes_tell_what_happened_between_the_steps() -> None:
    """Questions, answers, budgets, handoffs, pauses and resumes, in order."""
    notes = told(rich())[0]["notes"]
    kinds = ["handoff", "budget", "budget", "resume", "question", "pause", "answer", "resume"]
    assert [note["kind"] for note in notes] == kinds
    assert notes[6]["text"] == "answered: approved by kim: go ahead"


def test_the_path_goes_forward_and_back() -> None:
    """Edges count how often one step led to the next; a step that was not taken has none."""
    run = told(rich())[0]
    assert edges(run) == {
        (START, "plan"): 1,
        ("plan", "code"): 1,
        ("code", "review"): 2,
        ("review", "code"): 1,
        ("review", "deploy"): 1,
        ("deploy", END): 1,
    }
    nodes = {node["name"]: node for node in run["graph"]["nodes"]}
    assert (nodes["announce"]["taken"], nodes["code"]["taken"], nodes["code"]["attempts"]) == (0, 2, 3)
    assert (nodes["review"]["refused"], nodes["review"]["children"]) == (1, 1)


def test_steps_at_the_same_time_stand_beside_each_other() -> None:
    """Steps that overlap lead to none of each other, and both lead to what waits for them; one is skipped."""
    run = Journal(pattern="parallel_fan_out", steps=["a", "b", "c", "d", "e"])
    run.lap("a", "1")
    left, right = run.begin("b"), run.begin("c")
    run.answer("b", "2")
    run.add("step.complete", "b", **left)
    run.answer("c", "3")
    run.add("step.complete", "c", **right)
    run.lap("d", "4")
    run.add("step.complete", "e", turn=5, occurrence=1, attempt=1, skipped="no link is dead")
    run.done()
    found = told(run.record())[0]
    assert edges(found) == {
        (START, "a"): 1, ("a", "b"): 1, ("a", "c"): 1, ("b", "d"): 1, ("c", "d"): 1, ("d", END): 1,
    }  # fmt: skip
    skipped = found["executions"][-1]
    assert (skipped["status"], skipped["why"]) == ("skipped", "no link is dead")


def test_items_stand_below_what_gathers_them() -> None:
    """The instances of a step with for_each are its items, one node of the graph together."""
    run = Journal(pattern="sequential", steps=["find", "mend"])
    run.lap("find", ["x", "y"])
    begun = [run.begin(f"mend[{index}]", of="mend") for index in range(2)]
    for index, where in enumerate(begun):
        run.answer(f"mend[{index}]", "mended")
        run.add("step.complete", f"mend[{index}]", **where)
    run.add("step.complete", "mend", turn=2, occurrence=1, attempt=1, items=["mend[0]", "mend[1]"])
    run.done()
    found = told(run.record())[0]
    gathered = found["executions"][-1]
    assert gathered["items"] == [1, 2]
    assert [found["executions"][place]["parent"] for place in gathered["items"]] == [gathered["n"]] * 2
    assert gathered["from"] == found["executions"][1]["from"]
    node = found["graph"]["nodes"][1]
    assert (node["name"], node["taken"]) == ("mend", 2)
    assert edges(found)["find", "mend"] == 1
