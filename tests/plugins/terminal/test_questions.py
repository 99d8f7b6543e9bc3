"""What the observer terminal shows of a question, while it waits and when it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_terminal.live import under_way
from loopengt_terminal.narration import narrate
from loopengt_terminal.progress import follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_terminal.progress import Progress


def test_a_question_and_its_answer_are_shown(make: Callable[..., list[TraceEvent]]) -> None:
    """The live view says that the step waits for an answer; the lines say what was asked, by whom decided, and why."""
    answer = {"decision": "rejected", "by": "ann@home", "comment": "too\nearly"}
    gate = {"gate": "sign-off", "proof": answer, "feedback": "too\nearly"}
    runs: dict[str, Progress] = {}
    doing, lines = [], []
    for event in make(
        ("step.start", "mend", {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "mender"}),
        ("approval.request", "mend", {"question": "Deploy?"}),
        ("approval.decision", "mend", answer),
        ("gate.fail", "mend", gate),
    ):
        progress, step = follow(runs, event)
        lines += [line.text for line in narrate(event, step, progress) if not line.passing]
        if step is not None:
            doing.append(under_way(step, progress, event.timestamp))
    assert "waiting for an answer" in doing[1]
    assert "checking" in doing[2]
    assert lines[-3:] == [
        "step mend (lap 1) asks: Deploy?",
        "step mend (lap 1) was decided: rejected by ann@home: too early",
        "gate sign-off FAIL rejected by ann@home: too early",
    ]


def test_an_approval_without_a_comment(make: Callable[..., list[TraceEvent]]) -> None:
    """A gate that was approved says by whom."""
    gate: dict[str, Any] = {
        "gate": "sign-off",
        "proof": {"decision": "approved", "by": "ann@home", "comment": ""},
    }
    runs: dict[str, Progress] = {}
    event = make(("gate.pass", "mend", gate))[-1]
    progress, step = follow(runs, event)
    assert [line.text for line in narrate(event, step, progress)] == [
        "gate sign-off pass approved by ann@home"
    ]
