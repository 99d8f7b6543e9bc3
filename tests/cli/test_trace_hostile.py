"""Hostile content in each way to look at a run: nothing steers a terminal, breaks a document, or fills a screen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .trace_kit import RUN, Entry, lap, look, record, start

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</script><b> &amp; \x1b[31mred\x1b[0m \u202egnp\u2066 \x00 \r\n# owned\n| a | ``` \udc80 \x07\x9b2J\u2028"
OTHER = "20260101-120000-bbbbbbbbbb"
LONG = "z" * 10_000_000

VIEWS = {
    "tree": ["trace", RUN, "-f", "tree"],
    "tree --all": ["trace", RUN, "--all"],
    "markdown": ["trace", RUN, "-f", "markdown"],
    "export": ["export", RUN, "--to", "markdown"],
    "events": ["trace", RUN, "--events"],
    "step": ["trace", RUN, "--step", "work"],
    "diff": ["trace", RUN, "--diff", OTHER],
    "diff --all": ["trace", RUN, "--diff", OTHER, "--all"],
    "follow": ["trace", RUN, "--follow"],
    "follow step": ["trace", RUN, "--follow", "--step", "work"],
}


def story(run_id: str, text: str) -> list[Entry]:
    """Return the events of a run in which everybody says a text."""
    judged = {"judge": text, "score": 0.5, "passed": False, "reasoning": text, "criteria": {text: 0.5}}
    return [
        start(run_id, loop=text, goal=text, pattern=text),
        *lap(1, text, passed=False)[:-1],
        ("judge.score", "work", judged | {"gate": text, "attempt": 1}),
        (
            "gate.fail",
            "work",
            {"gate": text, "attempt": 1, "feedback": text, "duration": 0.1, "proof": {text: text}},
        ),
        ("step.error", "work", {"turn": 1, "occurrence": 1, "attempt": 1, "error": text}),
        ("decision", None, {"name": text, "value": text}),
        ("custom", "work", {text: text}),
        ("approval.request", "work", {"id": "q", "kind": "input", "question": text}),
        ("loop.error", None, {"reason": "failed", "detail": text}),
        ("judge.score", None, judged | {"evaluation": text}),
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run whose texts are hostile, and one with others."""
    project = tmp_path_factory.mktemp("hostile")
    record(project, story(RUN, HOSTILE), spec={"goal": HOSTILE})
    record(project, story(OTHER, f"other {HOSTILE}"), spec={"goal": f"other\n{HOSTILE}"})
    return project


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_lets_control_characters_through(
    hostile: Path, capsys: pytest.CaptureFixture[str], view: str
) -> None:
    """Printable characters, spaces and line breaks are all that a person's terminal gets."""
    shown = look(capsys, hostile, *VIEWS[view])
    assert (shown.code, shown.err) == (0, "")
    steering = {char for char in shown.out if not char.isprintable() and char not in "\n\t"}
    assert not steering
    assert "\\x1b[31mred" in shown.out
    if view not in (
        "markdown",
        "export",
        "step",
        "follow step",
        "diff",
        "diff --all",
    ):  # which indent or fence lines
        assert not any(line.startswith("# owned") for line in shown.out.splitlines())


def test_indented_views_let_no_text_begin_a_line(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of a text never stands where a heading of ours does."""
    for view in ("step", "follow step", "diff", "diff --all"):
        lines = look(capsys, hostile, *VIEWS[view]).out.splitlines()
        assert not any(line.startswith(("# owned", "| a |")) for line in lines), view


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_holds_hostile_texts_as_they_are(
    hostile: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """Nothing is lost or changed but lone surrogates, which no UTF-8 can hold, and no raw control character stands."""
    shown = look(capsys, hostile, "trace", RUN, "-f", form).out
    assert not {char for char in shown if ord(char) < 32 and char != "\n"}
    events = (
        [json.loads(line) for line in shown.split("\n") if line] if form == "jsonl" else json.loads(shown)
    )
    assert events[0]["data"]["goal"] == HOSTILE.replace("\udc80", "?")


def test_a_diff_as_json_is_json(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of hostile texts."""
    found = json.loads(look(capsys, hostile, "trace", RUN, "--diff", OTHER, "-f", "json").out)
    assert found["spec"]["same"] is False


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two runs whose only answers are lines of ten megabytes."""
    project = tmp_path_factory.mktemp("huge")
    for run_id, last in ((RUN, "a"), (OTHER, "b")):
        begin, *_, complete = lap(1)
        answer = ("agent.response", "work", {"attempt": 1, "output": LONG + last, "duration": 0.1})
        end = ("loop.complete", None, {"reason": "goal_met", "detail": ""})
        record(project, [start(run_id), begin, answer, complete, end], spec={"goal": run_id})
    return project


QUICK = ("tree", "markdown", "events", "step", "follow")


@pytest.mark.parametrize(
    "view", [pytest.param(view, marks=() if view in QUICK else pytest.mark.slow) for view in VIEWS]
)
def test_a_line_of_ten_megabytes_costs_little(
    huge: Path, capsys: pytest.CaptureFixture[str], view: str
) -> None:
    """No view prints more of it than a screen takes."""
    shown = look(capsys, huge, *VIEWS[view])
    assert shown.code == 0
    assert len(shown.out) < 30_000
    assert max(map(len, shown.out.splitlines())) < 5_000
