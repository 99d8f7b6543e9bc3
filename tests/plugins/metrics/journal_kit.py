"""Puts made-up journals into a storage, and measures them as recorded runs are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt.evaluating import Figures, measure, read_recorded
from loopengt.journal import encode_batch
from loopengt.testing import make_kernel
from loopengt_hookspecs.models import Event
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage

Told: TypeAlias = tuple[float, str, str | None, dict[str, Any]]
"""Time, type, step and data of an event."""

BEGAN = 1_000_000.0
"""When made-up runs begin, in seconds since the epoch; the times of ``Told`` count from then."""


def start(*steps: str) -> Told:
    """Return the beginning of a run."""
    return (0.0, "loop.start", None, {"run_id": "r", "loop": "demo", "goal": "Do it.", "steps": list(steps)})


def step(at: float, name: str, turn: int = 1, *, attempt: int = 1, occurrence: int = 1) -> Told:
    """Return the beginning of an attempt."""
    data = {"turn": turn, "occurrence": occurrence, "attempt": attempt, "agent": "w"}
    return (at, "step.start", name, data)


def reply(at: float, name: str, **data: Any) -> Told:
    """Return an answer of the step's agent."""
    return (
        at,
        "agent.response",
        name,
        {"attempt": 1, "output": "x", "duration": 0.5, "cost_usd": 0.0, **data},
    )


def done(at: float, name: str, turn: int = 1, **data: Any) -> Told:
    """Return the end of an execution that went well."""
    return (at, "step.complete", name, {"turn": turn, "occurrence": 1, "attempt": 1, **data})


def end(at: float, reason: str) -> Told:
    """Return the end of a run."""
    good = reason in ("goal_met", "nothing_to_do")
    return (at, "loop.complete" if good else "loop.error", None, {"reason": reason})


def events_of(told: tuple[Told, ...]) -> list[Event]:
    """Number events."""
    return [Event(seq, kind, BEGAN + at, name, data) for seq, (at, kind, name, data) in enumerate(told, 1)]


async def record(storage: Storage, *told: Told) -> None:
    """Write the journal of the run ``r``, whose owner has let it go."""
    row = RunRow("r", "demo", "running", started_at=BEGAN)
    await storage.release(await storage.create(row, "{}", 60, encode_batch(events_of(told)), len(told)))


def figures(folder: Path, *told: Told, names: tuple[str, ...] = ()) -> Figures:
    """Record a journal, read it, and return its metrics."""

    async def measured() -> Figures:
        kernel = make_kernel(folder)
        async with kernel.storage() as storage:
            await record(storage, *told)
            return measure(kernel, await read_recorded(storage, "r"), names)

    found = asyncio.run(measured())
    assert not found.errors
    return found
