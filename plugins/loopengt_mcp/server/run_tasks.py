"""Runs as tasks: what a client is told of a run, from its journal, whichever process drives it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult, TextContent
from mcp_types.jsonrpc import INTERNAL_ERROR

from loopengt.approvals import decide
from loopengt.errors import RunNotFound, RunOwned, StorageError, UsageError
from loopengt.finding import exact_run, has_crashed, is_driven
from loopengt.journal import clean_text
from loopengt_hookspecs.engines import ResumeRequest
from loopengt_hookspecs.models import RunStatus
from loopengt_mcp.server.ending import end_at_rest
from loopengt_mcp.server.task_inputs import (
    RESUME,
    Declined,
    answer_of,
    form,
    form_of,
    is_outcome,
    outcome_of,
)
from loopengt_mcp.server.tasks import Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from loopengt.approvals import Answer
    from loopengt.journal import Fold
    from loopengt_hookspecs.engines import Engine, RunResult, UnknownOutcome, UnknownOutcomes
    from loopengt_hookspecs.storage import RunRow
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.watching import Watcher

__all__ = ["RUN_TOOLS", "RunTasks", "tasks_of_runs"]

RUN_TOOLS = ("run_loop", "resume_loop", "fork_run")
"""The tools that begin, or go on with, a run."""

_REST_SECONDS = 0.02
_CANCELLED = "the task was cancelled over MCP"
_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED)


class RunTasks:
    """The tasks that runs are.

    Args:
        desk: What all tools of the server share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outcomes: dict[str, dict[str, UnknownOutcome]] = {}
        """What was said of cut-short steps of runs that ask of others, too, by run and step."""

    async def find(self, task_id: str) -> Task | None:
        """Return a run as a task; None: there is no run of that id, or it does a step of another."""
        row = await self._row(task_id)
        if row is None:
            return None
        try:
            fold = await self._desk.states.fold(task_id)
            return await self._task(row, fold)
        except RunNotFound:
            return None
        except (StorageError, KeyError, TypeError, ValueError, AttributeError) as exc:
            message = f"the journal of run {task_id} cannot be read: {exc}"
            error = {"code": INTERNAL_ERROR, "message": message}
            at = row.completed_at or row.started_at
            return Task(task_id, "failed", row.started_at, at, message, error=error)

    async def answer(self, task_id: str, responses: Mapping[str, Any], by: str) -> None:
        """Write answers into the run's journal; the last one lets a run go on that nobody drives."""
        row = await self._row(task_id)
        if row is None:
            raise RunNotFound(f"there is no run {task_id!r}", remedy="See the tool list_runs.")
        fold = await self._desk.states.fold(task_id)
        resting = self._is_at_rest(row, fold)
        named = clean_text(f"{by or 'a client'} over MCP")
        said = _said(fold, responses, named)
        wanted = _wants_to_resume(responses.get(_resume_key(fold))) if resting else None
        storage = await self._desk.runs.storage()
        for key, answer in said.answers.items():
            # A run that is just coming to rest takes the answer no more, though it was driven a moment ago.
            resting = not (await decide(storage, task_id, key, answer)).driven_by or resting
        if resting and wanted is False:
            await end_at_rest(storage, task_id, f"stopped by {named}")
        elif resting and (wanted or said):
            await self._go_on(task_id, said.outcomes)

    async def cancel(self, task_id: str) -> None:
        """Stop a run: at once where somebody drives it; else its journal is told."""
        row = await self._row(task_id)
        if row is None or row.completed_at is not None:
            return
        storage = await self._desk.runs.storage()
        if not is_driven(row):
            with suppress(RunOwned):  # somebody has just gone on with it
                await end_at_rest(storage, task_id, _CANCELLED)
                return
        await storage.signal(task_id, {"type": "stop", "now": True, "comment": _CANCELLED})

    # -- going on -----------------------------------------------------------------------------------------------

    async def _go_on(self, run_id: str, outcomes: Mapping[str, UnknownOutcome]) -> None:
        """Resume a run that rests, unless it asks something still."""
        known = self._outcomes.setdefault(run_id, {})
        known.update(outcomes)
        if self._open(await self._desk.states.fold(run_id)):
            return
        self._outcomes.pop(run_id, None)
        while self._desk.runs.drives(run_id):  # until it has come to rest, unless somebody was quicker
            row = await self._row(run_id)
            if row is None or is_driven(row):
                return
            await asyncio.sleep(_REST_SECONDS)
        with suppress(RunOwned):
            await self._resume(run_id, known)

    async def _resume(self, run_id: str, outcomes: Mapping[str, UnknownOutcome]) -> None:
        """Go on with a run; returns when it does, or rests again.

        Raises:
            LoopengtError: It cannot be resumed.
        """
        self._desk.consents.check_may_run()

        async def drive(engine: Engine, watcher: Watcher) -> RunResult:
            said: UnknownOutcomes = outcomes or "ask"
            return await engine.resume(ResumeRequest(run_id, [watcher], unknown_outcome=said))

        await self._desk.runs.begin(run_id, drive)

    # -- reading ------------------------------------------------------------------------------------------------

    async def _task(self, row: RunRow, fold: Fold) -> Task:
        run_id, status = row.run_id, fold.status
        driven = self._desk.runs.drives(run_id)
        asked = self._open(fold)
        times = (fold.started_at, max(fold.at, fold.started_at))
        said = _sentence(fold)
        if not driven and status in _ENDED:
            state = await self._desk.states.state(run_id)
            result = CallToolResult(
                content=[TextContent(text=state.model_dump_json(indent=2))],
                structured_content=state.model_dump(mode="json"),
                is_error=status is RunStatus.FAILED,
            )
            data = result.model_dump(by_alias=True, mode="json", exclude_none=True)
            return Task(run_id, "completed", *times, said, result=data)
        if not driven and status is RunStatus.CANCELLED:
            return Task(run_id, "cancelled", *times, said)
        if not asked and not self._is_at_rest(row, fold):
            return Task(run_id, "working", *times, said)
        inputs = {key: form_of(question) for key, question in asked.items()}
        if not inputs:
            why = self._desk.runs.errors.get(run_id) or said
            inputs[_resume_key(fold)] = form(f"Run {run_id} rests: {why}. Go on with it?", RESUME)
        return Task(run_id, "input_required", *times, said, inputs=inputs)

    def _is_at_rest(self, row: RunRow, fold: Fold) -> bool:
        """Whether nobody drives a run that has not ended."""
        if self._desk.runs.drives(row.run_id):
            return False
        if has_crashed(row):
            return fold.status in (RunStatus.PENDING, RunStatus.RUNNING)
        return row.status == RunStatus.PAUSED.value and fold.status is RunStatus.PAUSED

    def _open(self, fold: Fold) -> dict[str, Mapping[str, Any]]:
        """Return the questions that nobody has answered."""
        said = self._outcomes.get(fold.run_id, {})
        return {
            key: question
            for key, question in fold.questions.items()
            if not (is_outcome(question) and question.get("step") in said)
        }

    async def _row(self, run_id: str) -> RunRow | None:
        row = await exact_run(await self._desk.runs.storage(), run_id) if run_id else None
        return row if row is not None and row.parent is None else None


def tasks_of_runs(
    desk: Desk, *, tools: Collection[str] = (), required: Collection[str] = (), poll_ms: int = 1000
) -> Tasks:
    """Make the extension by which runs are tasks.

    Args:
        desk: What all tools of the server share.
        tools: Further tools that begin runs.
        required: Those of them that refuse clients which take no tasks.
        poll_ms: How often a client should ask, in milliseconds.
    """
    return Tasks(RunTasks(desk), [*RUN_TOOLS, *tools], required=required, poll_ms=poll_ms)


@dataclass(slots=True)
class _Said:
    """What responses say to the questions of a run."""

    answers: dict[str, Answer] = field(default_factory=dict)
    outcomes: dict[str, UnknownOutcome] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.answers or self.outcomes)


def _said(fold: Fold, responses: Mapping[str, Any], by: str) -> _Said:
    """Read the responses to the questions of a run; other keys are passed over."""
    said = _Said()
    for key in responses.keys() & fold.questions.keys():
        question = fold.questions[key]
        with suppress(Declined):
            if is_outcome(question):
                said.outcomes[str(question["step"])] = outcome_of(question, responses[key])
            else:
                said.answers[key] = answer_of(question, responses[key], by)
    return said


def _resume_key(fold: Fold) -> str:
    return f"resume/{fold.seq}"


def _wants_to_resume(response: Any) -> bool | None:
    """Return what was said of going on; None: nothing."""
    if response is None:
        return None
    action = response.get("action") if isinstance(response, dict) else None
    if action == "decline":
        return False
    if action == "cancel":
        return None
    content = response.get("content") if isinstance(response, dict) else None
    wanted = content.get("resume") if isinstance(content, dict) else None
    if action != "accept" or not isinstance(wanted, bool):
        raise UsageError("the answer needs resume, true or false")
    return wanted


def _sentence(fold: Fold) -> str:
    """Say where a run stands."""
    if fold.end is not None:
        detail = f": {fold.end.detail}" if fold.end.detail else ""
        return f"{fold.end.reason.value}{detail}"
    under_way = ", ".join(sorted(fold.open))
    return f"turn {fold.turn}" + (f", {under_way}" if under_way else "")
