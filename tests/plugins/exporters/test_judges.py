"""What judges said, in the tree and in the report: within a run, and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.story import tell
from loopengt_exporters.markdown import MarkdownExporter
from loopengt_exporters.tree import TreeExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


SCORE: dict[str, Any] = {
    "judge": "quality",
    "score": 0.9,
    "passed": True,
    "threshold": 0.8,
    "reasoning": "It is clear.\nAnd short.",
    "scores": [0.85, 0.95],
    "spread": 0.05,
    "criteria": {"clarity": 0.95, "length": 0.85},
    "token_usage": {"prompt_tokens": 90, "completion_tokens": 10},
    "cost_usd": 0.01,
    "duration": 1.5,
}


def judged(laps: Callable[..., list[Any]]) -> list[Any]:
    """Return the events of a run with a judge's gate, and with an evaluation behind its end."""
    events = laps()
    gate = {"gate": "good", "kind": "judge", "attempt": 1, "duration": 1.6, "proof": {"score": 0.9}}
    spent = {"token_usage": SCORE["token_usage"], "cost_usd": 0.01}
    return [
        *events[:5],
        ("judge.score", "work", SCORE | {"gate": "good", "attempt": 1}),
        ("gate.pass", "work", gate | spent),
        *events[5:],
        (
            "judge.score",
            "work",
            SCORE | {"judge": "exact", "passed": False, "score": 0.0, "evaluation": "e1"},
        ),
        ("judge.score", None, SCORE | {"judge": "rubric", "evaluation": "e1"}),
    ]


def test_a_gates_judge_stands_below_its_gate(make: Callable[..., Any], laps: Callable[..., Any]) -> None:
    """With verdict, score, threshold, spread, figures, reason and criteria; its tokens count once, and for the run."""
    lines = TreeExporter().export(*make(judged(laps))).splitlines()
    at = next(index for index, line in enumerate(lines) if "gate good pass" in line)
    assert lines[at].endswith("gate good pass  score 0.9  1.60s · 100 tokens · $0.0100")
    facts = "0.90, of at least 0.80, 2 times, 0.85 to 0.95, spread 0.05 · 1.50s · 100 tokens · $0.0100"
    assert lines[at + 1].endswith(f"judge quality pass  {facts}")
    assert [line.split("─ ")[1] for line in lines[at + 2 : at + 5]] == [
        "It is clear.",
        "clarity  0.95",
        "length  0.85",
    ]
    assert "2,568 tokens · $1.0100" in lines[1], "two answers of 1,234 tokens, and the judge's 100"


def test_an_evaluation_stands_behind_the_end(make: Callable[..., Any], laps: Callable[..., Any]) -> None:
    """It opens no step and costs the run nothing; the end and the driven time are those of the run."""
    state, events = make(judged(laps))
    story = tell(events)
    assert [execution.status for execution in story.executions] == ["completed", "completed"]
    assert (story.end, story.seconds) == (("goal_met", "every gate of lap 2 passed"), 13.0)
    lines = TreeExporter().export(state, events).splitlines()
    at = lines.index("evaluation e1")
    assert lines[at - 1].startswith("goal_met: ")
    assert lines[at + 1].startswith("├─ judge exact on work FAIL  0.00, of at least 0.80")
    assert any(line.startswith("└─ judge rubric pass") for line in lines[at:])


def test_the_report_has_a_table_of_judges(make: Callable[..., Any], laps: Callable[..., Any]) -> None:
    """Each verdict is a row that says who asked, and its reasons are a block below."""
    shown = MarkdownExporter().export(*make(judged(laps)))
    assert "## Judges\n\n| Judge | Asked by |" in shown
    assert "| `quality` | gate `good`, turn 1, attempt 1 | `work` | pass | 0.90, of at least 0.80" in shown
    assert "| `exact` | evaluation `e1` | `work` | **FAIL** |" in shown
    assert "Judge `rubric`, evaluation `e1`:\n\n```text\nIt is clear.\nAnd short.\n```" in shown


def test_a_verdict_of_any_form_is_taken(make: Callable[..., Any], laps: Callable[..., Any]) -> None:
    """Agents and plugins write such events, too: what makes no sense is left out, and no exporter fails."""
    odd: list[dict[str, Any]] = [
        {},
        {"score": "high", "criteria": [1], "scores": "x", "reasoning": 5, "passed": "yes", "threshold": True},
        {"judge": None, "criteria": {"a": None}, "scores": [None], "cost_usd": "much", "spread": []},
    ]
    entries = [*laps()[:4], *(("judge.score", "work", data) for data in odd)]
    for exporter in (TreeExporter(), MarkdownExporter()):
        shown = exporter.export(*make(entries))
        assert shown.count("FAIL  0.00") + shown.count("**FAIL** | 0.00") == len(odd)


def test_a_judge_without_its_gates_verdict_is_shown_at_its_attempt(
    make: Callable[..., Any], laps: Callable[..., Sequence[Any]]
) -> None:
    """As when the run was ended between both."""
    entries = [*laps()[:4], ("judge.score", "work", SCORE | {"gate": "good", "attempt": 1})]
    assert "judge quality pass" in TreeExporter().export(*make(entries))


def test_events_after_each_other_are_one_document(make: Callable[..., Any], laps: Callable[..., Any]) -> None:
    """What the JSON exporters write bit by bit is what they write at once, of no, some, and many events."""
    import json

    from loopengt_exporters.events import JsonExporter, JsonLinesExporter

    state, events = make(laps())
    for many in ([], events, events * 200):
        assert len(json.loads(JsonExporter().export(state, many))) == len(many)
        assert JsonLinesExporter().export(state, many).count("\n") == len(many)
