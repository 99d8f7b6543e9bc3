"""The command ``loopengt runs export``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.archive import Exported

__all__ = ["export"]


@click.command("export")
@click.argument("run_name", metavar="RUN")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Where to write it; default RUN.loopengt.zip.")  # fmt: skip
@click.option(
    "--no-workspace", is_flag=True, help="Leave the files out: the run can be looked at elsewhere, no more."
)
@pass_kernel
def export(kernel: Kernel, run_name: str, output: Path | None, no_workspace: bool) -> None:
    """Write a run into one file, to go on with it elsewhere. RUN is its id, a prefix of it, or latest.

    The file has the journal, the spec and all outputs, the runs of sub-loops, and the files of the workspace, except
    those that git ignores. Each part has its checksum. Who can read the file can read all that. A run that somebody
    drives is refused, since its files would not fit its journal; pause it first, with Ctrl-C.

    To show a run to people, or send its trace to a service: loopengt export.
    """
    from loopengt.cli.retyping import command_line
    from loopengt_cli_runs.sizes import children_text, size_text

    done = asyncio.run(write(kernel, run_name, output, no_workspace))
    for path in done.left_out:
        click.echo(f"Left out, since it leads out of the workspace: {path}", err=True)
    if not done.files and not no_workspace:
        click.echo("The workspace is gone: elsewhere the run can be looked at, no more.", err=True)
    more = children_text(len(done.runs) - 1, " and ")
    click.echo(f"Exported run {done.runs[0]}{more}, {done.files} files: {done.path} ({size_text(done.size)})")
    click.echo(f"Elsewhere: {command_line(kernel, 'runs', 'import', done.path.name)}", err=True)


async def write(kernel: Kernel, name: str, output: Path | None, no_workspace: bool) -> Exported:
    """Write the archive.

    Raises:
        RunNotFound: There is no such run, or more than one.
        RunOwned: Somebody drives it.
        LoopengtError: It cannot be written.
    """
    from loopengt.archive import archiving_engine, children_of, export_run, family
    from loopengt.finding import check_runs_exist, find_run
    from loopengt_cli_runs.removing import check_free, read_header

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        check_free(family(row, children_of(await storage.rows())))
        target = output or Path(f"{row.run_id}.loopengt.zip")
        record = (await read_header(storage, row.run_id)).get("workspace")
        if no_workspace or not isinstance(record, dict):
            return await export_run(storage, row, target, project=kernel.project)
        with archiving_engine(kernel.engine()).workspace_files(record) as (now, start):
            return await export_run(storage, row, target, project=kernel.project, now=now, start=start)
