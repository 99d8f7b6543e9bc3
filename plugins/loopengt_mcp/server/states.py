"""Reads where runs stand from their journals, whichever process drives them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.display import one_line
from loopengt.errors import RunNotFound
from loopengt.finding import check_runs_exist, find_run, has_crashed, is_driven, keeps_runs, stands_alone
from loopengt_mcp.host.work import is_for_host, open_work, task_uri
from loopengt_mcp.server.advice import advice
from loopengt_mcp.server.cutting import cut
from loopengt_mcp.server.following import Followed, Following
from loopengt_mcp.server.models import OpenTask, Question, RunRecord, RunState, StepInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from loopengt import Kernel
    from loopengt.journal import Fold
    from loopengt_hookspecs.storage import RunRow
    from loopengt_mcp.server.runs import Runs

__all__ = ["States", "iso", "numbered", "questions_of"]

_MOST_STEPS = 200
_LONGEST_TEXT = 4_000
"""Characters of one text of an output that are shown."""
_LONGEST_OUTPUT = 16_000


def iso(at: float) -> str:
    """Write a time, in seconds since the epoch, as ISO 8601 in UTC; empty for none."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else ""


def numbered(questions: Mapping[str, Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Return open questions by their numbers, which stay when others are answered."""
    found: dict[int, Mapping[str, Any]] = {}
    for question in questions.values():
        number = question.get("number")
        fits = isinstance(number, int) and number not in found
        found[number if fits else max(found, default=0) + 1] = question  # type: ignore[index]  # an int, as just seen
    return found


def questions_of(fold: Fold) -> list[Question]:
    """Return what a run asks people."""
    asked = numbered(fold.questions).items()
    return [_question(number, data) for number, data in asked if not is_for_host(data)]


class States:
    """Reads runs.

    Args:
        kernel: The project.
        runs: The runs that are driven here.
    """

    def __init__(self, kernel: Kernel, runs: Runs) -> None:
        self._kernel = kernel
        self._runs = runs
        self._following = Following()

    async def row(self, name: str) -> RunRow:
        """Return a run's line in listings.

        Args:
            name: Its id, an unambiguous prefix of it, or ``latest``.

        Raises:
            RunNotFound: There is none, or more than one.
        """
        try:
            check_runs_exist(self._kernel, name)
            return await find_run(await self._runs.storage(), name)
        except RunNotFound as error:
            if name != "latest":
                raise
            remedy = "run_loop starts one; list_loops shows the loops that there are, create_loop writes one."
            raise RunNotFound(error.message, remedy=remedy) from None

    async def rows(self, *, status: str | None, loop: str | None, limit: int) -> tuple[list[RunRecord], bool]:
        """Return runs that somebody has started, newest first, and whether there are more."""
        if not keeps_runs(self._kernel):
            return [], False
        storage = await self._runs.storage()
        wanted = "running" if status == "crashed" else status
        rows = [row for row in await storage.rows(status=wanted, loop_name=loop) if stands_alone(row)]
        if status in ("running", "crashed"):
            rows = [row for row in rows if has_crashed(row) == (status == "crashed")]
        return [_record(row) for row in rows[:limit]], len(rows) > limit

    async def follow(self, run_id: str) -> Followed:
        """Read a run up to now.

        Raises:
            RunNotFound: There is no such run.
        """
        return await self._following.follow(await self._runs.journals(), run_id)

    async def fold(self, run_id: str) -> Fold:
        """Fold a run up to now.

        Raises:
            RunNotFound: There is no such run.
        """
        return (await self.follow(run_id)).fold

    async def state(self, name: str) -> RunState:
        """Return where a run stands.

        Raises:
            RunNotFound: There is none of that name, or more than one.
        """
        return (await self.state_and_run(name))[0]

    async def state_and_run(self, name: str) -> tuple[RunState, Followed]:
        """Return where a run stands, and what its journal comes to.

        Raises:
            RunNotFound: There is none of that name, or more than one.
        """
        row = await self.row(name)
        # Read behind the row: of a run that has just ended, the end is seen, and of one that has ended, all of it.
        run = await self.follow(row.run_id)
        return self._state(row, run.fold), run

    def _state(self, row: RunRow, fold: Fold) -> RunState:
        watcher = self._runs.watcher(row.run_id)
        here = watcher is not None
        status = "crashed" if has_crashed(row) and not here else row.status
        place = fold.header.get("workspace", {})
        workspace = place.get("path")
        state = RunState(
            run_id=row.run_id,
            loop=row.loop_name,
            status=status,
            reason=fold.end.reason.value if fold.end is not None else None,
            detail=self._runs.errors.get(row.run_id) or (fold.end.detail if fold.end is not None else ""),
            driven_by="this server" if here else "another process" if is_driven(row) else "",
            now=watcher.message if watcher is not None else "",
            turn=fold.turn,
            steps=_steps(fold, watcher.under_way if watcher is not None else frozenset()),
            questions=questions_of(fold),
            tasks=_tasks(fold),
            output=cut(fold.last_output, _LONGEST_TEXT, _LONGEST_OUTPUT),
            workspace=str(workspace) if workspace else None,
            tokens=fold.tokens,
            cost_usd=round(fold.cost_usd, 6),
            unknown_costs=fold.unknown_costs,
            elapsed_seconds=round(fold.elapsed, 3),
            started_at=iso(fold.started_at),
            completed_at=iso(row.completed_at) if row.completed_at is not None else None,
        )
        apart = bool(workspace) and place.get("kind") != "in_place" and Path(workspace).is_dir()
        return state.model_copy(update={"next": advice(state, apart=apart)})


def _tasks(fold: Fold) -> list[OpenTask]:
    return [
        OpenTask(
            task_id=work.task_id,
            step=work.step,
            prompt=one_line(work.prompt, 300),
            uri=task_uri(work.task_id),
        )
        for work in open_work(fold)
    ]


def _steps(fold: Fold, under_way: Collection[str]) -> list[StepInfo]:
    names = dict.fromkeys([*fold.step_index, *fold.steps, *under_way])
    found = []
    for name in list(names)[:_MOST_STEPS]:
        known = fold.steps.get(name)
        if known is None:
            found.append(StepInfo(name=name, status="running" if name in under_way else "pending"))
            continue
        error = known.outcome.error if known.outcome is not None else None
        found.append(
            StepInfo(
                name=name,
                status="running" if name in under_way else known.status.value,
                attempts=known.attempts,
                error=one_line(error, 300) if error else None,
            )
        )
    return found


def _question(number: int, data: Mapping[str, Any]) -> Question:
    choices, schema = data.get("choices"), data.get("schema")
    expires_at = data.get("expires_at")
    return Question(
        number=number,
        kind=str(data.get("asks") or data.get("kind") or ""),
        text=one_line(data.get("question") or "", 2_000),
        step=str(data.get("step") or ""),
        gate=str(data.get("gate") or ""),
        tool=str(data.get("tool") or ""),
        arguments=cut(data.get("input"), 1_000, 4_000),
        choices=[str(choice) for choice in choices] if isinstance(choices, list) else [],
        answer_schema=schema if isinstance(schema, dict) else None,
        expires_at=iso(float(expires_at)) if isinstance(expires_at, int | float) else None,
    )


def _record(row: RunRow) -> RunRecord:
    return RunRecord(
        run_id=row.run_id,
        loop=row.loop_name,
        status="crashed" if has_crashed(row) else row.status,
        reason=row.reason,
        turn=row.turn,
        started_at=iso(row.started_at),
        completed_at=iso(row.completed_at) if row.completed_at is not None else None,
        tokens=row.tokens,
        cost_usd=row.cost_usd,
    )
