"""Records the agent calls of each trial into a folder of its own, or replays them from there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt_evals.suites.running import tape_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.middleware import Middleware

__all__ = ["tapes"]


def tapes(
    kernel: Kernel, record: str | None, replay: str | None
) -> Callable[[str, int, str], Sequence[Middleware]]:
    """Return what makes the middleware of a trial, of its case, number and run.

    Args:
        kernel: The project.
        record: Folder to record into.
        replay: Folder to replay from.

    Raises:
        UsageError: Both are given, or there is no such recording.
        ComponentNotFound: The plugin ``cassettes`` is switched off.
    """
    if record is not None and replay is not None:
        raise click.UsageError("--record and --replay exclude each other.")
    if replay is not None and not Path(replay).is_dir():
        raise click.UsageError(f"There is no folder {replay!r} to replay from.")

    def middleware(case: str, trial: int, run_id: str) -> Sequence[Middleware]:
        if record is not None:
            folder = Path(record).absolute() / tape_folder(case, trial)
            return (kernel.get("middleware", "record").into(folder, run_id=run_id),)
        if replay is not None:
            return (
                kernel.get("middleware", "replay").of(Path(replay).absolute() / tape_folder(case, trial)),
            )
        return ()

    return middleware
