"""The observer terminal where stderr is no terminal: one plain line an event."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from loopengt_terminal.observer import TerminalObserver, VerboseTerminalObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

    from loopengt_hookspecs.models import TraceEvent

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp\u200b\x9b31m\x00\rend"


async def watch(observer: TerminalObserver, events: Iterable[TraceEvent]) -> None:
    """Show events and finish."""
    assert observer.enabled()
    for event in events:
        await observer.on_event(event)
    await observer.close()


async def test_each_event_is_a_line(events: list[TraceEvent], capsys: pytest.CaptureFixture[str]) -> None:
    """Start, attempt, answer, verdict with its proof, step and end stand in order, each with its time."""
    await watch(TerminalObserver(), events)
    assert capsys.readouterr().err.splitlines() == [
        "     0.0s  run 20250101-120000-abcdef: loop demo, pattern repeat, at most 1 turns, 5m 00s, "
        "2,000 tokens, $1",
        "     0.5s  step mend (lap 1) attempt 1: agent mender",
        "     1.5s  agent mender answered in 0.2s, 1,500 tokens, $0.2500",
        "     2.0s  gate tests FAIL exit 1, 3 failed, 1 passed in 0.10s",
        "     2.5s  step mend (lap 1) done in 2.0s, but not through tests",
        "     3.0s  run exhausted after 3.0s",
    ]


async def test_verbose_tells_prompt_output_and_feedback(
    events: list[TraceEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    """The verbose observer adds what was asked, answered and complained about, each on one line."""
    await watch(VerboseTerminalObserver(), events)
    told = capsys.readouterr().err
    for line in ("s    prompt: Mend it. Now.\n", "s    output: did it\n", "s    feedback: no\n"):
        assert line in told


async def test_the_observer_can_watch_again(
    events: list[TraceEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    """After it was closed the same observer shows the next run from its beginning."""
    observer = TerminalObserver()
    await watch(observer, events)
    first = capsys.readouterr().err
    await watch(observer, events)
    assert capsys.readouterr().err == first


async def test_retries_errors_questions_and_resume_are_told(
    make: Callable[..., list[TraceEvent]], capsys: pytest.CaptureFixture[str]
) -> None:
    """What goes wrong, is tried again, asks a person or is taken up again has a line of its own."""
    data = {"turn": 1, "occurrence": 1, "attempt": 1}
    used = {"elapsed": 3.0, "turn": 1, "tokens": 1500, "cost_usd": 0.0, "unknown_costs": 1}
    await watch(
        TerminalObserver(),
        make(
            ("step.start", "mend", data | {"agent": "mender"}),
            ("agent.error", "mend", {"attempt": 1, "error": "broke\nin two", "duration": 1.0}),
            ("step.retry", "mend", {"attempt": 2, "reason": "error", "delay": 2.0, "feedback": "broke"}),
            ("approval.request", "mend", {"question": "was it done?"}),
            ("loop.pause", None, {"reason": "approval_required", "detail": "asks"}),
            ("loop.resume", None, used | {"limits": {"max_turns": 3, "max_tokens": 2000}}),
            ("approval.decision", "mend", {"decision": "fail"}),
            ("step.error", "mend", data | {"error": "gave up"}),
            ("step.complete", "other", {"turn": 2, "occurrence": 1, "skipped": "mend failed"}),
            ("decision", None, {"name": "next", "value": {"go": 1}}),
            ("loop.error", None, {"reason": "failed", "detail": "step 'mend': gave up"}),
        ),
    )
    lines = [line[11:] for line in capsys.readouterr().err.splitlines()]
    assert lines[2:] == [
        "agent mender FAILED after 1.0s: broke",
        "step mend (lap 1) is tried again in 2.0s",
        "step mend (lap 1) asks: was it done?",
        "run approval_required after 2.5s",
        "run 20250101-120000-abcdef: loop demo resumed at turn 1 of 3, 3.0s, 1,500 tokens (500 left), "
        "cost unknown",
        "step mend (lap 1) was decided: fail",
        "step mend (lap 1) FAILED: gave up",
        "step other (lap 1) skipped: mend failed",
        'decided next: {"go": 1}',
        "run failed after 5.5s",
    ]


async def test_control_characters_are_made_visible(
    make: Callable[..., list[TraceEvent]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever agents and gates say, only printable characters reach the terminal, and no line is broken."""
    proof = {"exit_code": 1, "output_tail": HOSTILE, "expression": HOSTILE}
    said: list[tuple[str, str | None, dict[str, Any]]] = [
        ("agent.invoke", "mend", {"prompt": HOSTILE}),
        ("agent.response", "mend", {"output": {HOSTILE: HOSTILE}}),
        ("agent.error", "mend", {"error": HOSTILE}),
        ("gate.fail", "mend", {"gate": HOSTILE, "proof": proof, "feedback": HOSTILE}),
        ("gate.pass", "mend", {"gate": "g", "proof": {"expression": HOSTILE}}),
        ("approval.request", "mend", {"question": HOSTILE}),
        ("tool.call", "mend", {"tool": HOSTILE, "input": {HOSTILE: HOSTILE}}),
        ("tool.result", "mend", {"tool": HOSTILE, "output": HOSTILE}),
        ("tool.error", "mend", {"tool": HOSTILE, "error": HOSTILE}),
        ("decision", None, {"name": HOSTILE, "value": HOSTILE}),
        ("step.error", "mend", {"error": HOSTILE}),
        ("loop.error", None, {"reason": HOSTILE, "detail": HOSTILE}),
    ]
    await watch(VerboseTerminalObserver(), make(*said))
    told = capsys.readouterr().err
    assert all(char.isprintable() or char == "\n" for char in told)
    assert told.count("\\x1b[2J") >= len(said)


async def test_a_stderr_that_takes_nothing_holds_nothing_up(
    make: Callable[..., list[TraceEvent]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full pipe that nobody reads, events are taken at once; when it breaks, all ends quietly."""
    reading, writing = os.pipe()
    event = make(("decision", None, {"name": "x" * 100, "value": "y" * 100}))[1]
    observer = TerminalObserver()
    with os.fdopen(writing, "w", closefd=False) as stream:
        monkeypatch.setattr("sys.stderr", stream)
        async with asyncio.timeout(30):
            for _ in range(2_000):  # some 500 KB, far more than a pipe holds
                await observer.on_event(event)
        os.close(reading)
        await observer.close()
        await observer.on_event(event)
        await observer.close()
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
    os.close(writing)


async def test_concurrent_steps_are_told_apart(
    make: Callable[..., list[TraceEvent]], capsys: pytest.CaptureFixture[str]
) -> None:
    """While two steps are under way, an answer and a verdict name theirs; what gathers items counts them."""
    one, two = ({"turn": turn, "occurrence": 1, "attempt": 1} for turn in (1, 2))
    gate = {"gate": "tests", "kind": "command", "attempt": 1, "proof": {"exit_code": 0}}
    events = make(
        ("step.start", "each[0]", one | {"agent": "mender"}),
        ("step.start", "each[1]", two | {"agent": "mender"}),
        ("agent.response", "each[0]", {"attempt": 1, "output": "x", "duration": 1.0}),
        ("gate.pass", "each[0]", gate),
        ("step.complete", "each[0]", one),
        ("step.complete", "each[1]", two),
        ("step.complete", "each", two | {"items": ["each[0]", "each[1]"]}),
    )
    await watch(TerminalObserver(), events)
    told = capsys.readouterr().err
    assert "step each[0] (lap 1): agent mender answered in 1.0s" in told
    assert "step each[0] (lap 1): gate tests pass exit 0" in told
    assert "step each (lap 1) done, 2 items" in told
