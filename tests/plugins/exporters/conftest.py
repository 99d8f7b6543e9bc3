"""Recorded runs for the exporters, made of journal events as the engine writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from loopengt.journal import Fold, Tracer
from loopengt_hookspecs.models import Event, LoopState, TraceEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Recorded: TypeAlias = tuple[LoopState, list[TraceEvent]]
Entry: TypeAlias = tuple[str, str | None, dict[str, Any]]

HEADER: dict[str, Any] = {
    "run_id": "20250101-120000-abcdef",
    "loop": "demo",
    "pattern": "repeat",
    "goal": "Make it work.",
    "spec": "0" * 64,
    "steps": ["work"],
    "context": {},
    "workspace": {"path": "/somewhere", "kind": "copy"},
}


def record(entries: Sequence[Entry]) -> Recorded:
    """Fold and convert events, one a second."""
    events = [
        Event(seq, kind, 1_735_732_800.0 + seq, step, data)
        for seq, (kind, step, data) in enumerate(entries, 1)
    ]
    fold, tracer = Fold(), Tracer(HEADER["run_id"])
    fold.apply_all(events)
    return fold.snapshot(), tracer.convert_all(events)


def lap(turn: int, *, passed: bool, text: str = "two tests fail") -> list[Entry]:
    """Return the events of one lap with one gate, whose agent says ``text``, as does the gate that fails."""
    data = {"turn": turn, "occurrence": turn, "attempt": 1}
    proof = {
        "command": ["pytest"],
        "exit_code": 0 if passed else 1,
        "output_tail": f"{text}\n= 2 failed in 1s =",
    }
    gate: dict[str, Any] = {"gate": "tests", "kind": "command", "attempt": 1, "duration": 0.5, "proof": proof}
    usage = {"prompt_tokens": 1000, "completion_tokens": 234}
    return [
        ("step.start", "work", data | {"agent": "worker"}),
        ("agent.invoke", "work", {"provider": "command", "prompt": "Do it."}),
        (
            "agent.response",
            "work",
            {"attempt": 1, "output": text, "duration": 0.25, "token_usage": usage, "cost_usd": 0.5},
        ),
        ("gate.pass", "work", gate) if passed else ("gate.fail", "work", gate | {"feedback": text}),
        ("step.complete", "work", data),
    ]


def two_laps(text: str = "two tests fail") -> list[Entry]:
    """Return the events of a run that reaches its goal in the second lap."""
    return [
        ("loop.start", None, HEADER),
        *lap(1, passed=False, text=text),
        *lap(2, passed=True, text="all is well"),
        ("loop.complete", None, {"reason": "goal_met", "detail": "every gate of lap 2 passed"}),
    ]


@pytest.fixture
def recorded() -> Recorded:
    """A run that reaches its goal in the second lap."""
    return record(two_laps())


@pytest.fixture
def make() -> Callable[[Sequence[Entry]], Recorded]:
    """Record any events."""
    return record


@pytest.fixture
def laps() -> Callable[..., list[Entry]]:
    """Make the events of a run of two laps, given what agent and gate say in the first."""
    return two_laps
