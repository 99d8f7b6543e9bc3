"""The command ``loopengt runs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt.cli.groups import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.storage import RunRow

__all__ = ["runs"]

CRASHED = "crashed"
"""Shown for a run that counts as running, but whose owner is gone."""

STATUSES = ("pending", "running", "paused", "completed", "failed", "cancelled", CRASHED)


_PARTS = {
    "delete": "loopengt_cli_runs.delete:delete",
    "export": "loopengt_cli_runs.export:export",
    "import": "loopengt_cli_runs.import_:import_",
    "prune": "loopengt_cli_runs.prune:prune",
}


@click.group("runs", cls=LazyGroup, parts=_PARTS, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs of this status.")
@click.option("--loop", "loop_name", metavar="NAME", help="Only runs of this loop.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@click.option("--all", "with_children", is_flag=True, help="The runs of sub-loops and of suites too.")
@click.pass_context
@pass_kernel
def runs(
    kernel: Kernel,
    ctx: click.Context,
    as_json: bool,
    status: str | None,
    loop_name: str | None,
    limit: int | None,
    with_children: bool,
) -> None:
    """List the runs of the project, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    import asyncio

    from loopengt.cli.retyping import command_line
    from loopengt.finding import has_crashed
    from loopengt_cli_runs.table import print_table

    rows = asyncio.run(read_rows(kernel, status, loop_name, limit, with_children))
    crashed = {row.run_id for row in rows if has_crashed(row)}
    if as_json:
        click.echo(to_json(rows, crashed))
    elif rows:
        print_table(rows, crashed)
        if crashed:
            resume = command_line(kernel, "resume", min(crashed))
            click.echo(f"\nNobody drives what has crashed: {resume}", err=True)
    else:
        click.echo("No run fits." if status or loop_name else "No runs yet: loopengt run SPEC", err=True)


async def read_rows(
    kernel: Kernel, status: str | None, loop_name: str | None, limit: int | None, with_children: bool
) -> list[RunRow]:
    """Return the rows to show, newest first."""
    from loopengt.finding import has_crashed, keeps_runs, stands_alone

    if not keeps_runs(kernel):
        return []
    async with kernel.storage() as storage:
        wanted = "running" if status == CRASHED else status
        rows = await storage.rows(status=wanted, loop_name=loop_name)
    if status == CRASHED:
        rows = [row for row in rows if has_crashed(row)]
    return [row for row in rows if with_children or stands_alone(row)][:limit]


def to_json(rows: Sequence[RunRow], crashed: set[str]) -> str:
    """Render rows as a JSON array; ``alive`` says whether somebody drives the run now."""
    import json

    return json.dumps([_record(row, crashed) for row in rows], indent=2)


def _record(row: RunRow, crashed: set[str]) -> dict[str, Any]:
    return {
        "run_id": row.run_id,
        "parent": row.parent,
        "loop_name": row.loop_name,
        "status": row.status,
        "reason": row.reason,
        "turn": row.turn,
        "started_at": _iso(row.started_at),
        "completed_at": None if row.completed_at is None else _iso(row.completed_at),
        "tokens": row.tokens,
        "cost_usd": row.cost_usd,
        "alive": row.status == "running" and row.run_id not in crashed,
    }


def _iso(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).isoformat()
