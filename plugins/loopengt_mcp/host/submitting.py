"""Writes the answer to a task into the run's journal, and lets the run go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.approvals import decide, read_questions
from loopengt.errors import RunOwned, UsageError
from loopengt.finding import exact_run, is_driven
from loopengt_hookspecs.engines import ResumeRequest
from loopengt_hookspecs.models import RunStatus
from loopengt_mcp.host.work import gone

if TYPE_CHECKING:
    from loopengt.approvals import Answer
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_mcp.host.work import Work
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.watching import Watcher

__all__ = ["go_on", "submit"]

_REST_SECONDS = 5.0


async def submit(desk: Desk, work: Work, answer: Answer) -> None:
    """Answer a task; the run goes on here where nobody drives it.

    Raises:
        UsageError: Somebody else was quicker, or its time is over; the message says who.
    """
    storage = await desk.runs.storage()
    open_now = (await read_questions(storage, work.run_id)).questions
    if work.question_id in open_now:
        answered = await decide(storage, work.run_id, work.question_id, answer)
        if answered.ours:
            await go_on(desk, work.run_id)
            return
    error = await gone(storage, await desk.states.fold(work.run_id), work.number)
    if work.is_over:
        await go_on(desk, work.run_id)
    raise error


async def go_on(desk: Desk, run_id: str) -> None:
    """Resume a run that nobody drives, where the project lets clients run loops.

    A run that also asks what became of a cut-short step is left to the tool that is told that.
    """
    storage = await desk.runs.storage()
    row = await exact_run(storage, run_id)
    if row is not None and row.status == RunStatus.PAUSED and desk.runs.drives(run_id):
        # It has just paused, and is about to be let go.
        await desk.runs.wait(run_id, _REST_SECONDS, _no_progress)
        row = await exact_run(storage, run_id)
    if row is None or row.completed_at is not None or desk.runs.drives(run_id) or is_driven(row):
        return
    questions = (await desk.states.fold(run_id)).questions.values()
    if any("unknown_outcome" in (question.get("kind"), question.get("asks")) for question in questions):
        return
    try:
        desk.consents.check_may_run()
    except UsageError:  # the answer is durable; whoever may run loops goes on with it
        return

    async def drive(engine: Engine, watcher: Watcher) -> RunResult:
        return await engine.resume(ResumeRequest(run_id, [watcher]))

    try:
        await desk.runs.begin(run_id, drive)
    except RunOwned:  # somebody was quicker
        return
    except UsageError:
        if not desk.runs.drives(run_id):
            raise


async def _no_progress(count: int, message: str) -> None:
    """Nobody listens."""
