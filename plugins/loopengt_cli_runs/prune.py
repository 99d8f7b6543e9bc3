"""The command ``loopengt runs prune``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from loopengt.archive.removing import ENDED
from loopengt.cli import pass_kernel
from loopengt_cli_runs.sizes import duration

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["prune"]


@click.command("prune")
@click.option("--older-than", type=duration, metavar="TIME", default="30d", show_default=True,
              help="Only runs that ended so long ago: a number and s, m, h, d or w.")  # fmt: skip
@click.option("--status", "statuses", type=click.Choice(ENDED), multiple=True,
              help="Only runs that ended so; may be given more than once.")  # fmt: skip
@click.option("--keep", type=click.IntRange(min=0), metavar="N", default=0,
              help="Keep the newest N of them, whatever their age.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_kernel
def prune(
    kernel: Kernel, older_than: float, statuses: tuple[str, ...], keep: int, dry_run: bool, yes: bool
) -> int:
    """Delete runs that ended long ago, and clear away what crashes and deleted runs have left.

    With a run go the runs of its sub-loops, its workspace and its branch. Runs that go on, or could be taken up, are
    never touched. What is left of no run goes too: workspaces, branches, temporary folders, and large outputs that
    no run refers to.
    """
    from loopengt.finding import keeps_runs
    from loopengt_cli_runs.asking import make_sure
    from loopengt_cli_runs.pruning import Pruning

    if not keeps_runs(kernel):
        click.echo("Nothing to prune.")
        return 0
    pruning = Pruning(kernel)
    asyncio.run(pruning.look(older_than, statuses or ENDED, keep))
    for line in pruning.lines():
        click.echo(line)
    if dry_run:
        click.echo("Nothing was removed.", err=True)
        return 0
    if pruning.is_worth_asking:
        make_sure("Remove all that?", yes=yes)
    asyncio.run(pruning.remove())
    for problem in pruning.problems:
        click.echo(f"Error: {problem}", err=True)
    click.echo(pruning.summary())
    return 1 if pruning.problems else 0
