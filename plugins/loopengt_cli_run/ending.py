"""The options ``--merge``, ``--keep`` and ``--discard``: what becomes of a run's workspace when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.engines import Engine, RunResult

__all__ = ["Ending", "chosen_ending", "end_workspace", "ending_options", "refuse_in_place"]

Ending = Literal["merge", "keep", "discard"]

_HELP = {
    "merge": "When the goal is met, bring the run's work into the project and remove its workspace.",
    "keep": "Keep the run's workspace. The default.",
    "discard": "When the run has ended, throw its workspace away.",
}


def ending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them as ``merge``, ``keep`` and ``discard``."""
    for name in reversed(_HELP):
        command = click.option(f"--{name}", is_flag=True, help=_HELP[name])(command)
    return command


def chosen_ending(merge: bool, keep: bool, discard: bool) -> Ending:
    """Return what was chosen.

    Raises:
        UsageError: More than one.
    """
    if merge + keep + discard > 1:
        raise click.UsageError("--merge, --keep and --discard exclude each other.")
    return "merge" if merge else "discard" if discard else "keep"


def refuse_in_place(ending: Ending, in_place: bool) -> None:
    """Refuse to merge or discard the project itself.

    Raises:
        UsageError: That was asked for.
    """
    if in_place and ending != "keep":
        raise click.UsageError(
            f"--{ending} is for a run with a workspace of its own, and this one works on the project's own files."
        )


async def end_workspace(engine: Engine, result: RunResult, ending: Ending, command: str) -> str:
    """Do with the workspace of a run what was asked for, as far as its end allows, and return a sentence about it.

    Args:
        engine: The engine that drove it.
        result: How the run ended or where it paused.
        ending: What was asked for.
        command: The line to type for another try.

    Raises:
        LoopengtError: It cannot be done.
    """
    from loopengt_hookspecs.models import RunStatus

    reason = result.end.reason
    if ending == "keep":
        return ""
    if reason.status is RunStatus.PAUSED:
        return f"It is kept, since the run is paused; at its end: {command}"
    if ending == "merge":
        if reason.exit_code:
            return "It is kept: only a run that has met its goal is merged."
        return await engine.finish_workspace(result.run_id, "merge")
    if result.can_resume:
        return f"It is kept, since the run can go on; to discard it all the same: {command}"
    return await engine.finish_workspace(result.run_id, "discard")
