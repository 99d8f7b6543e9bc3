"""The options ``--record`` and ``--replay``: agent calls kept in a folder, and given back from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.middleware import Middleware

__all__ = ["Tape", "cassette_options", "chosen_tape"]

_HELP = {
    "record": "Keep every agent call, with what it changed in the workspace, in a folder.",
    "replay": "Answer every agent call from a recording: no agent is called, gates are executed.",
}


@dataclass(frozen=True, slots=True)
class Tape:
    """What is recorded or replayed of a run."""

    middleware: Sequence[Middleware] = ()
    words: Sequence[str] = ()
    """The options to give once more when the run is resumed."""
    notes: Callable[[], Sequence[str]] = tuple
    """Says what a person should know once the run has ended."""

    def notes_on(self, result: RunResult) -> Sequence[str]:
        """Return the notes on a run; one that is to go on, or has failed, is not over."""
        from loopengt_hookspecs.models import EndReason, RunStatus

        reason = result.end.reason
        return () if reason.status is RunStatus.PAUSED or reason is EndReason.FAILED else self.notes()


def cassette_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them as ``record`` and ``replay``."""
    for name in reversed(_HELP):
        command = click.option(f"--{name}", metavar="DIR", help=_HELP[name])(command)
    return command


def chosen_tape(kernel: Kernel, record: str | None, replay: str | None, *, run_id: str = "") -> Tape:
    """Return what was chosen.

    Args:
        kernel: The project.
        record: Folder to record into.
        replay: Folder to replay from.
        run_id: The run, when it has begun already.

    Raises:
        UsageError: Both, or a folder that does not fit.
        ComponentNotFound: The plugin ``cassettes`` is switched off.
    """
    if record is not None and replay is not None:
        raise click.UsageError("--record and --replay exclude each other.")
    if record is not None:
        folder = Path(record).absolute()
        return Tape(
            (kernel.get("middleware", "record").into(folder, run_id=run_id),), ("--record", str(folder))
        )
    if replay is not None:
        folder = Path(replay).absolute()
        replayer = kernel.get("middleware", "replay").of(folder)
        # Of a run that is resumed it is not known which calls were replayed before.
        return Tape((replayer,), ("--replay", str(folder)), tuple if run_id else replayer.notes)
    return Tape()
