"""Events of a run as observers get them."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.journal import Tracer
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopengt_hookspecs.models import TraceEvent

RUN = "20250101-120000-abcdef"
BEGAN = datetime.now(UTC) - timedelta(seconds=30)


def trace(*entries: tuple[str, str | None, dict[str, Any]]) -> list[TraceEvent]:
    """Convert events, one every half second; the first 30 seconds ago."""
    tracer = Tracer(RUN)
    return [
        tracer.convert(Event(seq, kind, BEGAN.timestamp() + seq / 2, step, data))
        for seq, (kind, step, data) in enumerate(entries, 1)
    ]


def start(**limits: float) -> tuple[str, str | None, dict[str, Any]]:
    """Return a ``loop.start`` event."""
    header = {"run_id": RUN, "loop": "demo", "pattern": "repeat", "goal": "Do it.", "steps": ["mend"]}
    return ("loop.start", None, header | {"limits": limits})


@pytest.fixture(autouse=True)
def _programs_can_be_interrupted() -> Iterator[None]:
    """Let programs that are started here take SIGINT, even when the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def events() -> list[TraceEvent]:
    """A run of one lap, whose gate fails, and that is then exhausted."""
    data = {"turn": 1, "occurrence": 1, "attempt": 1}
    proof = {"exit_code": 1, "output_tail": "short summary\n==== 3 failed, 1 passed in 0.10s ===="}
    gate = {"gate": "tests", "kind": "command", "attempt": 1, "proof": proof, "feedback": "no"}
    usage = {"token_usage": {"total_tokens": 1500}, "cost_usd": 0.25}
    answer = {"attempt": 1, "output": "did it", "duration": 0.2} | usage
    return trace(
        start(max_turns=1, max_total_time_seconds=300.0, max_tokens=2000, max_cost_usd=1.0),
        ("step.start", "mend", data | {"agent": "mender"}),
        ("agent.invoke", "mend", {"provider": "command", "prompt": "Mend it.\nNow."}),
        ("agent.response", "mend", answer),
        ("gate.fail", "mend", gate),
        ("step.complete", "mend", data),
        ("loop.error", None, {"reason": "exhausted", "detail": "max_turns: 1 turns were taken"}),
    )


@pytest.fixture
def make() -> Callable[..., list[TraceEvent]]:
    """Convert any events, a ``loop.start`` before them."""

    def make_events(*entries: tuple[str, str | None, dict[str, Any]]) -> list[TraceEvent]:
        return trace(start(), *entries)

    return make_events
