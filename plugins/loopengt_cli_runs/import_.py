"""The command ``loopengt runs import``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.archive import Imported

__all__ = ["import_"]


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--max-size", metavar="MB", type=click.IntRange(min=1), default=8_000, show_default=True,
              help="Most megabytes that the file may unpack to.")  # fmt: skip
@pass_kernel
def import_(kernel: Kernel, file: Path, max_size: int) -> None:
    """Take in a run that `loopengt runs export` has written, to look at it or to go on with it.

    All of the file is checked before anything is written. The run gets a workspace of its own, whatever it had before.
    To resume it executes the commands of its spec: take in no run of which you do not know where it comes from.
    """
    from loopengt.cli.retyping import command_line
    from loopengt_cli_runs.sizes import children_text

    done = asyncio.run(read(kernel, file, max_size * 1_000_000))
    run_id = done.row.run_id
    if done.known:
        click.echo(f"Run {run_id} is here already, the same as in {file}.")
        return
    more = children_text(len(done.runs) - 1, " and ")
    click.echo(f"Imported run {run_id}{more}: {done.events} events, {done.files} files.")
    if done.workspace is not None:
        click.echo(f"Workspace: {done.workspace}")
        click.echo(f"Next: {command_line(kernel, 'resume', run_id)}", err=True)
    else:
        click.echo(f"It came without its files. See it: {command_line(kernel, 'trace', run_id)}", err=True)


async def read(kernel: Kernel, file: Path, most_bytes: int) -> Imported:
    """Take in an archive.

    Raises:
        ArchiveError: It is refused; nothing was written.
        LoopengtError: It cannot be stored.
    """
    from loopengt.archive import archiving_engine, import_run

    async with kernel.storage() as storage:
        return await import_run(
            storage,
            file,
            project=kernel.project,
            workspaces=archiving_engine(kernel.engine()),
            most_bytes=most_bytes,
        )
