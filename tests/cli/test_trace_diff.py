"""``trace A --diff B``: specs, steps side by side, where two runs part, outputs and ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .trace_kit import END, RUN, Entry, damage, lap, look, record, start

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "20260101-120000-bbbbbbbbbb"
SPEC = {"name": "demo", "goal": "Make it work.", "agents": [{"env": {"API_KEY": "not-to-be-seen"}}]}


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A project with two runs that part in the second lap."""
    record(tmp_path, [start(), *lap(1, "same"), *lap(2, "one\nleft"), END], spec=SPEC)
    second: list[Entry] = lap(2, "one\nright", passed=False)
    second[4][2]["cost_usd"] = 0.75
    end = ("loop.error", None, {"reason": "exhausted", "detail": "max_turns"})
    changed = SPEC | {"goal": "Make it work well.", "agents": [{"env": {"API_KEY": "nor-this"}}]}
    record(tmp_path, [start(OTHER), *lap(1, "same"), *second, *lap(3, "more"), end], spec=changed)
    return tmp_path


def diff(capsys: pytest.CaptureFixture[str], project: Path, *words: str) -> dict[str, Any]:
    """Return the comparison as JSON."""
    shown = look(capsys, project, "trace", RUN, "--diff", OTHER, "-f", "json", *words)
    assert (shown.code, shown.err) == (0, "")
    found: dict[str, Any] = json.loads(shown.out)
    return found


def test_a_diff_tells_what_differs(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Steps are paired by name and number, with what changed and by how much; the first that differs is named."""
    found = diff(capsys, pair)
    first, second, third = found["steps"]
    assert (first["changes"], third["changes"]) == ([], ["only in b"])
    assert second["changes"] == ["prompt", "gates", "output"]
    assert second["gates_changed"] == ["tests"]
    assert second["difference"] == {"seconds": 0.0, "tokens": 0, "cost_usd": 0.25}
    assert found["first_divergence"] == {"step": "work", "occurrence": 2, "changes": second["changes"]}
    assert found["end"]["b"] == {"reason": "exhausted", "detail": "max_turns"}
    assert (found["runs"]["a"]["turns"], found["runs"]["b"]["tokens"]) == (2, 3 * 1234)


def test_specs_are_compared_as_yaml_without_secrets(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What changed is a unified diff of YAML; the text under a secret's name is not in it."""
    found = diff(capsys, pair)
    assert [line for line in found["spec"]["diff"] if line[:2] in ("-g", "+g")] == [
        "-goal: Make it work.",
        "+goal: Make it work well.",
    ]
    assert "not-to-be-seen" not in json.dumps(found)


def test_people_get_the_same_as_text(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text has both runs, the spec's change, the gate's change, the divergence and the outputs."""
    shown = look(capsys, pair, "trace", RUN, "--diff", OTHER)
    assert (shown.code, shown.err) == (0, "")
    for line in (
        "  +goal: Make it work well.",
        "    gate tests: pass -> FAIL",
        "    other prompt and output",
        "first divergence: work#2: prompt, gates, output",
        "  +more",
        "end: a goal_met: all is well",
        "     b exhausted: max_turns",
    ):
        assert line in shown.out.splitlines()


def test_a_run_does_not_differ_from_itself(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is the same, exit code 0."""
    shown = look(capsys, pair, "trace", RUN, "--diff", RUN)
    assert shown.code == 0
    for line in ("spec: the same", "first divergence: none", "output: the same", "   b - a: nothing"):
        assert line in shown.out.splitlines()


def test_an_order_that_chance_decides_is_no_divergence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps that ran side by side and began in another order, with the same results, are the same."""
    record(tmp_path, [start(), *lap(1, step="x"), *lap(1, step="y"), END])
    record(tmp_path, [start(OTHER), *lap(1, step="y"), *lap(1, step="x"), END])
    assert diff(capsys, tmp_path)["first_divergence"] is None


def test_many_equal_steps_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what differs is listed, unless all is wanted; long differences are cut and say so."""
    equal = [entry for number in range(1, 31) for entry in lap(number)]
    left, right = ("\n".join(f"{side} {line}" for line in range(100)) for side in "ab")
    record(tmp_path, [start(), *equal, *lap(31, left), END])
    record(tmp_path, [start(OTHER), *equal, *lap(31, right), END])
    shown = look(capsys, tmp_path, "trace", RUN, "--diff", OTHER).out
    assert "30 steps are the same: --all shows them" in shown
    assert "more lines: --all" in shown
    everything = look(capsys, tmp_path, "trace", RUN, "--diff", OTHER, "--all").out
    assert "work#30" in everything
    assert "--all" not in everything


def test_long_outputs_are_compared_in_bounded_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred thousand lines are compared from the first that differs on, as far as that is quick."""
    lines = [f"line {number % 7}" for number in range(100_000)]
    other = [*lines[:50_000], *(f"{line}!" for line in lines[50_000:])]
    record(tmp_path, [start(), *lap(1, "\n".join(lines)), END])
    record(tmp_path, [start(OTHER), *lap(1, "\n".join(other)), END])
    output = diff(capsys, tmp_path)["output"]
    assert output["from_line"] == 49_998
    assert output["lines_left_out"] == 100_000 - 49_997 - 3_000


def test_a_damaged_run_is_compared_as_far_as_it_goes(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The damage is an error with exit code 1, and the comparison is shown before it."""
    damage(pair)
    shown = look(capsys, pair, "trace", RUN, "--diff", OTHER)
    assert shown.code == 1
    assert "(its journal is damaged)" in shown.out
    assert f"Error: run {OTHER}" in shown.err
