"""Registers the commands run, resume and stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register run, resume and stop."""
    register("run", "loopengt_cli_run.run:run", summary="Run a loop until it ends or pauses")
    register("resume", "loopengt_cli_run.resume:resume", summary="Take a paused or crashed run up again")
    register("stop", "loopengt_cli_run.stop:stop", summary="End a run before its next turn")
