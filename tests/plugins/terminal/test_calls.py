"""What the observers show of an agent at work: what it is writing, its requests to models, its calls of tools."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from loopengt_terminal.live import LiveView, written
from loopengt_terminal.observer import TerminalObserver, VerboseTerminalObserver
from loopengt_terminal.progress import StepProgress, follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_terminal.progress import Progress

    Make = Callable[..., list[TraceEvent]]

START = ("step.start", "mend", {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "mender"})


def writes(text: str) -> tuple[str, str, dict[str, Any]]:
    """Return the event of a piece of text."""
    return ("agent.progress", "mend", {"text": text})


def model(number: int, tokens: int, **more: Any) -> tuple[str, str, dict[str, Any]]:
    """Return the event of a model's response."""
    data = {"call": f"model {number}", "response": {"text": "x"}, "token_usage": {"total_tokens": tokens}}
    return ("model.response", "mend", data | more)


async def told(
    observer: TerminalObserver, events: list[TraceEvent], capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Return the lines that an observer writes, without their times."""
    for event in events:
        await observer.on_event(event)
    await observer.close()
    return [line[11:] for line in capsys.readouterr().err.splitlines()]


def test_the_last_line_of_what_is_written_is_shown(make: Make) -> None:
    """The live view shows, below its step, the end of the text, rewritten, and nothing once the answer is there."""
    drawn = io.StringIO()
    view = LiveView(Console(file=drawn, force_terminal=True, width=60, color_system=None), verbose=False)
    events = make(
        START, writes("first line\nIt was a \x1b[2Jdark and "), writes("stormy night"), model(1, 10)
    )
    view.show(events[:4])
    assert "    It was a \\x1b[2Jdark and stormy night" in drawn.getvalue()
    assert "first line" not in drawn.getvalue()
    drawn.truncate(0)
    view.show(events[4:])
    view.close()
    assert "stormy" not in drawn.getvalue()


@pytest.mark.parametrize("text", ["x" * 400, "長い" * 200, "ab " * 100], ids=["narrow", "wide", "words"])
def test_what_is_written_is_cut_from_the_left(make: Make, text: str) -> None:
    """A long line is shown by its end, within the columns that there are."""
    step = StepProgress("mend", make()[0].timestamp, writing=f"{text}end")
    shown = written(step, 40)
    assert (shown[0], shown[-3:]) == ("…", "end")
    assert 38 <= cell_len(shown) <= 40


def test_text_that_comes_late_opens_no_step(make: Make) -> None:
    """A piece of text after the end of its step is nobody's."""
    runs: dict[str, Progress] = {}
    for event in make(START, ("step.complete", "mend", {"turn": 1}), writes("late")):
        progress, step = follow(runs, event)
    assert (step, progress.steps) == (None, {})


async def test_without_a_terminal_nothing_is_told_of_what_is_written(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a file or in CI pieces of text leave no line, in the verbose view neither."""
    for observer in (TerminalObserver(), VerboseTerminalObserver()):
        lines = await told(observer, make(START, writes("stormy\n"), writes("night")), capsys)
        assert lines[1:] == ["step mend (lap 1) attempt 1: agent mender"]


async def test_the_verbose_view_has_a_line_for_each_call_of_a_tool(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Name, arguments, what came of it, and how long it took; the other view is silent about calls."""
    one, two = {"call": "tool 1", "tool": "send"}, {"call": "tool 2", "tool": "send"}
    events = make(
        START,
        ("tool.call", "mend", one | {"input": {"to": "bob"}}),
        ("tool.call", "mend", two | {"input": {"to": "x" * 500}}),
        ("tool.error", "mend", two | {"error": "no such\nperson", "duration": 0.2}),
        ("tool.result", "mend", one | {"output": {"sent": True}, "duration": 1.5}),
        ("tool.result", "mend", {"tool": "grep", "output": "line"}),
    )
    _, _, failed, done, own = await told(VerboseTerminalObserver(), events, capsys)
    assert failed.startswith('tool send {"to": "xxx')
    assert failed.endswith("… FAILED: no such person (0.2s)")
    assert len(failed) < 200
    assert done == 'tool send {"to": "bob"}: {"sent": true} (1.5s)'
    assert own == "tool grep: line"
    assert len(await told(TerminalObserver(), events, capsys)) == 2


def test_tokens_count_while_the_agent_works(make: Make) -> None:
    """Each response adds its tokens and cost at once; the answer, which holds them too, does not add them again."""
    answer = {"attempt": 1, "token_usage": {"total_tokens": 70}, "cost_usd": 0.75, "duration": 1.0}
    runs: dict[str, Progress] = {}
    found = []
    events = make(
        START, model(1, 20, cost_usd=0.25), model(2, 40, cost_usd=0.5), ("agent.response", "mend", answer)
    )
    for event in events:
        progress, _ = follow(runs, event)
        found.append((progress.tokens, progress.cost_usd))
    assert found[2:] == [(20, 0.25), (60, 0.75), (70, 0.75)]


def test_after_an_answer_within_an_attempt_the_agent_works_on(make: Make) -> None:
    """An approved call or an answered question leads back to the agent; only a gate's answer to checking."""
    runs: dict[str, Progress] = {}
    doing = []
    for event in make(
        START,
        (
            "approval.request",
            "mend",
            {"question": "Call?", "kind": "tool", "tool": "send", "input": {"to": "bob"}},
        ),
        ("approval.decision", "mend", {"kind": "tool", "decision": "approved"}),
        ("approval.decision", "mend", {"kind": "gate", "decision": "approved"}),
    ):
        _, step = follow(runs, event)
        doing += [step.doing] if step is not None else []
    assert doing == ["working", "waiting for an answer", "working", "checking"]
