"""The command ``loopengt stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.errors import UsageError
    from loopengt_hookspecs.storage import RunRow

__all__ = ["stop"]


@click.command("stop")
@click.argument("run_name", metavar="RUN")
@click.option("--comment", metavar="TEXT", default="", help="Why; it becomes part of the run's end.")
@click.option("--now", is_flag=True, help="Do not let the step under way finish: end its agent.")
@pass_kernel
def stop(kernel: Kernel, run_name: str, comment: str, now: bool) -> None:
    """End a run before its next turn. RUN is its id, a prefix of it, or latest.

    The step under way is finished first, unless --now is given; a wait for another attempt is not. To pause a run,
    press Ctrl-C where it is driven. `loopengt resume` goes on with a stopped run, too.
    """
    import asyncio

    run_id = asyncio.run(send_stop(kernel, run_name, comment, now=now))
    click.echo(f"Run {run_id} stops {'now' if now else 'before its next turn'}.")


async def send_stop(kernel: Kernel, name: str, comment: str, *, now: bool = False) -> str:
    """Leave the signal for the process that drives the run, and return the run's id.

    Raises:
        RunNotFound: There is no such run, or more than one.
        UsageError: Nobody drives it.
    """
    from loopengt.finding import check_runs_exist, find_run, is_driven

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        if not is_driven(row):
            raise _not_driven(row, kernel)
        signal: dict[str, object] = {"type": "stop"}
        if comment:
            signal["comment"] = comment
        if now:
            signal["now"] = True
        await storage.signal(row.run_id, signal)
    return row.run_id


def _not_driven(row: RunRow, kernel: Kernel) -> UsageError:
    from loopengt.cli.retyping import command_line
    from loopengt.errors import UsageError

    if row.completed_at is not None:
        return UsageError(f"run {row.run_id} has ended already: {row.reason or row.status}")
    resume = command_line(kernel, "resume", row.run_id)
    state = "has crashed" if row.status == "running" else f"is {row.status}"
    return UsageError(
        f"run {row.run_id} {state}: nobody drives it, so there is nothing to stop",
        remedy=f"It stays as it is; to go on with it: {resume}",
    )
