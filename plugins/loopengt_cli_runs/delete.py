"""The command ``loopengt runs delete``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.storage import RunRow

__all__ = ["delete"]


@click.command("delete")
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-workspace", is_flag=True, help="Leave the run's workspace and its branch as they are.")
@pass_kernel
def delete(kernel: Kernel, names: tuple[str, ...], yes: bool, keep_workspace: bool) -> None:
    """Delete runs for good. RUN is an id, a prefix of one, or latest.

    With a run go the runs of its sub-loops, its workspace and its branch, also work in it that was not merged. A run
    that somebody drives is refused. Large outputs, which runs may share, stay until `loopengt runs prune`.
    """
    from loopengt_cli_runs.asking import make_sure

    rows = asyncio.run(choose(kernel, names))
    if not yes:
        for row in rows:
            click.echo(f"{row.run_id}  {row.loop_name}  {row.reason or row.status}", err=True)
    what = "this run" if len(rows) == 1 else f"these {len(rows)} runs"
    make_sure(f"Delete {what}" + ("?" if keep_workspace else ", with the workspaces?"), yes=yes)
    asyncio.run(remove(kernel, rows, keep_workspace))


async def choose(kernel: Kernel, names: Sequence[str]) -> list[RunRow]:
    """Return the runs that are meant, each once.

    Raises:
        RunNotFound: There is no such run, or more than one.
        RunOwned: Somebody drives one.
        UsageError: One does a step of a run that would miss it.
    """
    from loopengt.archive import children_of, family
    from loopengt.errors import UsageError
    from loopengt.finding import check_runs_exist, find_run
    from loopengt_cli_runs.removing import check_free

    found: dict[str, RunRow] = {}
    async with kernel.storage() as storage:
        for name in names:
            check_runs_exist(kernel, name)
            row = await find_run(storage, name)
            found[row.run_id] = row
        rows = await storage.rows()
    children, there = children_of(rows), {row.run_id for row in rows}
    for row in found.values():
        if row.parent in there and row.parent not in found:
            raise UsageError(
                f"run {row.run_id} does a step of run {row.parent}, which would miss it",
                remedy=f"Delete that one: loopengt runs delete {row.parent}",
            )
        check_free(family(row, children))
    return [row for row in found.values() if row.parent not in found]


async def remove(kernel: Kernel, rows: Sequence[RunRow], keep_workspace: bool) -> None:
    """Delete runs, and say of each that it is gone."""
    from loopengt_cli_runs.removing import remove_run
    from loopengt_cli_runs.sizes import children_text, size_text

    async with kernel.storage() as storage:
        for row in rows:
            done = await remove_run(kernel, storage, row, keep_workspace=keep_workspace)
            more = children_text(len(done.runs) - 1)
            files = f", workspace of {size_text(done.size)}" if done.workspace is not None else ""
            click.echo(f"Deleted run {row.run_id}{more}{files}.")
