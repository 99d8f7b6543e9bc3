"""Registers the commands that drive runs, or speak to those who do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register run, watch, resume, fork, stop, approve, reject and answer."""
    register("run", "loopengt_cli_run.run:run", summary="Run a loop until it ends or pauses")
    register(
        "watch", "loopengt_cli_run.watch:watch", summary="Start a run at each occasion of a loop's trigger"
    )
    register("resume", "loopengt_cli_run.resume:resume", summary="Take a paused or crashed run up again")
    register("fork", "loopengt_cli_run.fork:fork", summary="Go on from some place of a run in a new one")
    register("stop", "loopengt_cli_run.stop:stop", summary="End a run before its next turn")
    register("approve", "loopengt_cli_run.approve:approve", summary="Approve what a run waits for")
    register("reject", "loopengt_cli_run.reject:reject", summary="Reject what a run waits for")
    register("answer", "loopengt_cli_run.answer:answer", summary="Answer what a run wants to know")
