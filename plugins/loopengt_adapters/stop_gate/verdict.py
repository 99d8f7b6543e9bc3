"""Decides whether a session may stop, from where its run stands."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from loopengt.finding import exact_run, is_driven
from loopengt.journal import read_events
from loopengt_adapters.stop_gate.bindings import bind, bound, unbind

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["Verdict", "decide"]

_AT_GOAL = ("goal_met", "nothing_to_do")
_ENDED_BY_PERSON = ("stopped", "cancelled")
_LONGEST = 4_000


class Verdict(NamedTuple):
    """What the session is told."""

    block: bool
    """Whether it must go on."""
    message: str = ""
    """Why; empty: nothing is said."""


async def decide(kernel: Kernel, session: str) -> Verdict:
    """Decide about a session that wants to stop.

    A session that is bound to nothing may stop, and so may one whose run cannot be found: a broken gate must not
    hold anybody.

    Args:
        kernel: The project.
        session: Its id.

    Raises:
        LoopengtError: The storage cannot be read.
    """
    state: Path = kernel.folder
    binding = bound(state, session) if session.strip() else None
    if binding is None:
        return Verdict(False)
    async with kernel.storage() as storage:
        row = await exact_run(storage, binding.run_id)
        if row is None:
            unbind(state, session)
            return Verdict(False, f"Run {binding.run_id} is gone; this session is no longer bound to it.")
        reason = None if row.status == "running" else row.reason
        if reason in _AT_GOAL or reason in _ENDED_BY_PERSON:
            unbind(state, session)
            ended = "is at its goal" if reason in _AT_GOAL else "was ended"
            return Verdict(False, f"Run {row.run_id} {ended}; this session is no longer bound to it.")
        if reason == "approval_required":
            return Verdict(False, f"Run {row.run_id} waits for a person: loopengt approve {row.run_id}")
        if binding.used >= binding.most:
            unbind(state, session)
            held = (
                f"This session was held {binding.used} times for run {row.run_id}, which is not at its goal."
            )
            return Verdict(False, f"{held} It is let go now.")
        why = await _reason(storage, row, session)
    bind(state, session, replace(binding, used=binding.used + 1))
    return Verdict(True, f"{why}\n(Stop gate of loopengt, {binding.used + 1} of {binding.most}.)")


async def _reason(storage: Storage, row: RunRow, session: str) -> str:
    """Say what the session has to do, with the words of the gate that failed."""
    failed = await _last_failure(storage, row.run_id)
    if is_driven(row):
        now = f'Run {row.run_id} goes on. Call wait_run with run_id "{row.run_id}", and report how it ends.'
    elif row.status in ("running", "paused"):
        now = f'Run {row.run_id} rests. Call resume_loop with run_id "{row.run_id}", then wait_run.'
    else:
        why = f"{row.reason or row.status}{f': {row.detail}' if row.detail else ''}"
        again = f"loopengt adapter bind-session NEW_RUN --session {shlex.quote(session)}"
        now = (
            f"Run {row.run_id} ended short of its goal ({why}). Mend what its gate names; then take it up with "
            f"resume_loop where limits were used up, else start it anew with run_loop and type: {again}\n"
            "If that is not possible, tell the user what is needed."
        )
    return f"{now}\n{failed}" if failed else now


async def _last_failure(storage: Storage, run_id: str) -> str:
    """Return what the last gate said, when it failed and nothing passed since."""
    last: Event | None = None
    async for batch in read_events(storage, run_id, together=100):
        for event in batch:
            if event.type == "gate.fail":
                last = event
            elif event.type == "gate.pass" and last is not None and event.step == last.step:
                last = last if event.data.get("gate") != last.data.get("gate") else None
    if last is None:
        return ""
    feedback = str(last.data.get("feedback") or "").strip()
    text = feedback if len(feedback) <= _LONGEST else f"… {feedback[-_LONGEST:]}"
    return f"The gate {last.data.get('gate')} of the step {last.step} failed:\n{text}"
