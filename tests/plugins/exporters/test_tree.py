"""The exporter tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt_exporters.tree import TreeExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .conftest import Entry, Recorded

    Make = Callable[[Sequence[Entry]], Recorded]
    Laps = Callable[..., list[Entry]]

HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\u202egnp\u200b\x9b31m\x00\tend"


def tree(recorded: Recorded) -> str:
    """Export a tree."""
    return TreeExporter().export(*recorded)


def test_the_tree_shows_laps_gates_and_the_end(recorded: Recorded) -> None:
    """Each lap, its attempt and its gate's verdict with proof stand in order, with figures and the end."""
    lines = tree(recorded).splitlines()
    assert lines[0].split() == ["demo", "20250101-120000-abcdef", "goal_met"]
    assert "2 turns" in lines[1]
    assert "2,468 tokens" in lines[1]
    assert "$1.0000" in lines[1]
    assert lines[3:-1] == [
        "├─ 1 work (lap 1)  completed · 4.00s",
        "│  └─ attempt 1  worker · 0.25s · 1,234 tokens · $0.5000",
        "│     └─ gate tests FAIL  exit 1, 2 failed in 1s  0.50s",
        "└─ 2 work (lap 2)  completed · 4.00s",
        "   └─ attempt 1  worker · 0.25s · 1,234 tokens · $0.5000",
        "      └─ gate tests pass  exit 0  0.50s",
    ]
    assert lines[-1] == "goal_met: every gate of lap 2 passed"


def test_the_tree_shows_attempts_errors_and_questions(make: Make, laps: Laps) -> None:
    """A failed attempt and the one after it, a pause, a question and a resume are all in the tree."""
    start, first = laps()[0], {"turn": 1, "occurrence": 1, "attempt": 1}
    question = {"id": "q", "kind": "unknown_outcome", "attempt": 2, "question": "was it done?"}
    shown = tree(
        make(
            [
                start,
                ("step.start", "work", first | {"agent": "worker"}),
                ("agent.error", "work", {"attempt": 1, "error": "ran out\nof luck", "duration": 0.1}),
                (
                    "step.retry",
                    "work",
                    {"attempt": 2, "reason": "error", "delay": 1.5, "feedback": "ran out"},
                ),
                ("step.start", "work", first | {"attempt": 2, "agent": "worker"}),
                ("tool.call", "work", {"tool": "hammer"}),
                ("approval.request", "work", question),
                ("loop.pause", None, {"reason": "approval_required", "detail": "asks"}),
                ("loop.resume", None, {"elapsed": 7.0}),
                ("step.error", "work", first | {"attempt": 2, "error": "gave up"}),
                ("loop.error", None, {"reason": "failed", "detail": "step 'work': gave up"}),
            ]
        )
    )
    for line in (
        "error: ran out",
        "attempt 2  worker · after 1.50s of waiting",
        "tool hammer",
        "failed",
        "gave up",
    ):
        assert line in shown
    assert "work: asked: was it done?" in shown
    assert "resumed after approval_required: asks" in shown
    assert "· 9.00s ·" in shown, "7 seconds before the pause and 2 after it"


def test_the_tree_of_a_skipped_step_says_why(make: Make, laps: Laps) -> None:
    """A step whose condition did not hold is shown as skipped, with the reason."""
    skipped = {"turn": 1, "occurrence": 1, "skipped": "not plan: output.ok"}
    shown = tree(make([laps()[0], ("step.complete", "work", skipped)]))
    assert "skipped · 0.00s · not plan: output.ok" in shown
    assert shown.endswith("not ended: running\n")


def test_control_characters_are_made_visible(make: Make, laps: Laps) -> None:
    """Whatever agents, gates and specs say, the tree holds printable characters and line breaks alone."""
    header = laps()[0][2] | {"goal": HOSTILE}
    end = ("loop.error", None, {"reason": "failed", "detail": HOSTILE})
    error = ("agent.error", "work", {"attempt": 1, "error": HOSTILE, "duration": 0.1})
    decision = ("decision", None, {"name": HOSTILE, "value": HOSTILE})
    start, answer = laps(HOSTILE)[1:3], laps(HOSTILE)[3:5]
    shown = tree(make([("loop.start", None, header), *start, error, *answer, decision, end]))
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "\\x1b" in shown


def test_long_values_are_shortened(make: Make, laps: Laps) -> None:
    """A line of ten megabytes in an answer or a verdict costs the tree one line of bounded length."""
    shown = tree(make(laps("x" * 10_000_000)))
    assert max(map(len, shown.splitlines())) < 400


@pytest.mark.parametrize(
    "proof",
    [
        None,
        [],
        "text",
        {"exit_code": "1"},
        {"tests": {}},
        {"violations": []},
        {"score": True},
        {"output_tail": 5},
    ],
)
def test_a_proof_of_any_form_is_taken(make: Make, laps: Laps, proof: Any) -> None:
    """A gate of a stranger may prove its verdict as it likes; the tree then shows its feedback."""
    entries = laps()
    kind, step, gate = entries[4]
    entries[4] = (kind, step, gate | {"proof": proof, "feedback": "because\nof that"})
    line = next(line for line in tree(make(entries)).splitlines() if "FAIL" in line)
    assert "because" in line or "score" in line


def test_the_tree_says_what_is_handed_over_and_saved(make: Make, laps: Laps) -> None:
    """A handoff names both sides, a checkpoint its id, an addition to the budget what was added."""
    shown = tree(
        make(
            [
                laps()[0],
                ("handoff", None, {"from_agent": "planner", "to_agent": "coder", "protocol": "direct"}),
                ("checkpoint.save", None, {"checkpoint_id": "work@1", "name": "work"}),
                ("budget.add", None, {"added": {"turns": 5, "cost_usd": 0.5}}),
                ("budget.exceeded", None, {"budget": "max_turns", "used": 5, "limit": 5}),
            ]
        )
    ).splitlines()
    assert shown[3:-1] == [
        "├─ · handoff: planner -> coder",
        "├─ · checkpoint.save: work@1",
        "├─ · added to the budget: turns=5, cost_usd=0.5",
        "└─ · budget exceeded: max_turns",
    ]


def test_what_gathers_items_is_no_turn_of_its_own(make: Make, laps: Laps) -> None:
    """Its line counts the items, and has the time from the beginning of the first to the end of the last."""
    events = [laps()[0]]
    for turn, name in enumerate(("each[0]", "each[1]"), 1):
        data = {"turn": turn, "occurrence": 1, "attempt": 1}
        events += [("step.start", name, data | {"agent": "worker"}), ("step.complete", name, data)]
    gathered = {"turn": 2, "occurrence": 1, "attempt": 1, "items": ["each[0]", "each[1]"]}
    shown = tree(make([*events, ("step.complete", "each", gathered)]))
    assert "· each (lap 1)  completed · 2 items · 4.00s" in shown


def test_a_step_that_was_open_when_the_run_failed_has_failed(make: Make, laps: Laps) -> None:
    """It is shown as failed, not as running; once the run is resumed it runs again, and then is what it came to."""
    start, invoke, *rest = laps()[1:6]
    failed = ("loop.error", None, {"reason": "failed", "detail": "no key"})
    lines = tree(make([laps()[0], start, invoke, failed])).splitlines()
    assert any("work" in line and "failed" in line for line in lines)
    assert not any("running" in line for line in lines)
    resumed = ("loop.resume", None, {"elapsed": 1.0})
    done = ("loop.complete", None, {"reason": "goal_met", "detail": ""})
    shown = tree(make([laps()[0], start, invoke, failed, resumed, start, invoke, *rest, done]))
    assert "completed" in shown
    assert "running" not in shown
