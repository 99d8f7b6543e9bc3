"""Says how a run ended or where it rests, and what can be typed next."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loopengt.cli.retyping import command_line
from loopengt.display import dollars, duration
from loopengt_cli_run.adding import more_of
from loopengt_cli_run.questions import is_for_resume, outcome_lines, question_lines
from loopengt_cli_run.text import lines_of
from loopengt_hookspecs.models import EndReason, RunStatus, StepStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.engines import RunResult

__all__ = ["summarise"]

_NEVER = datetime.min.replace(tzinfo=UTC)


def summarise(
    result: RunResult, kernel: Kernel, *, quiet: bool, ended: str = "", again: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines that are printed at the end of ``run`` and ``resume``.

    Args:
        result: How the run ended or where it paused.
        kernel: The project.
        quiet: Only the reason, and how to go on with what rests.
        ended: A sentence about what became of the workspace.
        again: Options to give once more when the run is resumed.
    """
    yield from _reason(result)
    yield from (f"note: {line}" for note in result.notes for line in lines_of(note))
    if not quiet:
        yield _figures(result)
        yield from _workspace(result, kernel)
    if ended:
        yield f"workspace: {ended}"
    if not quiet:
        yield f"trace:     {command_line(kernel, 'trace', result.run_id)}"
        if result.end.reason is EndReason.STOPPED:
            yield f"go on:     {command_line(kernel, 'resume', result.run_id, *again)}"
    yield from _next(result, kernel, again)


def _reason(result: RunResult) -> Iterator[str]:
    reason = result.end.reason.value
    first, *more = lines_of(result.end.detail) or [""]
    yield f"{reason}: {first}" if first else reason
    yield from (f"  {line}" for line in more)


def _figures(result: RunResult) -> str:
    turn = result.snapshot().turn
    turns = f"{turn} turn{'' if turn == 1 else 's'}"
    figures = (turns, duration(result.elapsed), f"{result.tokens:,} tokens")
    cost, unknown = dollars(result.cost_usd, result.unknown_costs), result.unknown_costs
    calls = f" ({unknown} call{'' if unknown == 1 else 's'} of unknown cost)" if unknown else ""
    return f"run {result.run_id}: {', '.join(figures)}, {cost}{calls}"


def _workspace(result: RunResult, kernel: Kernel) -> Iterator[str]:
    """Say where the files are that the run worked on, and how to see and take over the changes."""
    path = result.workspace
    if path is None or result.workspace_kind in ("", "in_place"):
        return
    if not path.is_dir():
        return
    yield f"workspace: {path}"
    folder, project = shlex.quote(str(path)), shlex.quote(str(kernel.project))
    merge = command_line(kernel, "resume", result.run_id, "--merge")
    done = result.end.reason.exit_code == 0
    if result.workspace_branch:
        name = shlex.quote(result.workspace_branch)
        yield f"  see:     (cd {folder} && git add -A && git diff --cached --stat)"
        commit = f"(cd {folder} && git add -A && git commit -qm {name})"
        yield f"  apply:   {merge if done else f'{commit}; git -C {project} merge {name}'}"
    elif (path / ".git").exists():
        changes = f"(cd {folder} && git add -A && git diff --cached HEAD)"
        yield f"  see:     {changes}"
        yield f"  apply:   {merge if done else f'{changes} | patch -d {project} -p1'}"
    else:
        yield f"  see:     diff -ru -x .loopengt -x __pycache__ -x '.*_cache' {project} {folder}"


def _next(result: RunResult, kernel: Kernel, again: Sequence[str]) -> Iterator[str]:
    """Say how to go on with a run that rests."""
    reason = result.end.reason
    resume = command_line(kernel, "resume", result.run_id, *again)
    if reason is EndReason.APPROVAL_REQUIRED and result.questions:
        yield from question_lines(result.questions, result.run_id, kernel, told=len(result.questions) == 1)
        if any(map(is_for_resume, result.questions)):
            yield from outcome_lines(result.run_id, kernel, result.questions)
        else:
            yield f"resume:    {resume}"
    elif reason.status is RunStatus.PAUSED:
        yield f"resume:    {resume}"
    elif reason is EndReason.EXHAUSTED and (more := more_of(result)):
        yield f"go on:     {resume} {more}"
    elif result.can_resume:
        yield f"once that is mended: {resume}"
    elif reason is EndReason.FAILED and (step := _failed_step(result)):
        again_from = command_line(kernel, "fork", result.run_id, "--at", step)
        yield f"to try it again from there, in a new run: {again_from}"


def _failed_step(result: RunResult) -> str:
    """Return the step that failed last, as declared."""
    states = result.snapshot().step_states.values()
    failed = [state for state in states if state.status is StepStatus.FAILED and "[" not in state.step_name]
    return max(failed, key=lambda state: state.started_at or _NEVER).step_name if failed else ""
