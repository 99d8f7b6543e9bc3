"""Prints runs as a table for people."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from loopengt.display import duration, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from loopengt_hookspecs.storage import RunRow

__all__ = ["print_table"]

HEADINGS = ("RUN", "LOOP", "STATUS", "REASON", "TURNS", "STARTED", "DURATION", "TOKENS", "COST")


def print_table(rows: Sequence[RunRow], crashed: Collection[str]) -> None:
    """Print one aligned line for each run.

    Args:
        rows: The runs.
        crashed: Ids of those that nobody drives although they count as running.
    """
    lines = [HEADINGS, *(_cells(row, row.run_id in crashed) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(text.rstrip())


def _cells(row: RunRow, crashed: bool) -> tuple[str, ...]:
    began = datetime.fromtimestamp(row.started_at, UTC).astimezone()
    return (
        visible(row.run_id),
        visible(row.loop_name),
        "crashed" if crashed else row.status,
        row.reason or "-",
        str(row.turn),
        f"{began:%Y-%m-%d %H:%M:%S}",
        _duration(row, crashed),
        f"{row.tokens:,}" if row.tokens else "-",
        f"${row.cost_usd:.4f}" if row.cost_usd else "-",
    )


def _duration(row: RunRow, crashed: bool) -> str:
    """Write how long it took from start to end; of a run that rests the row does not tell."""
    end = time.time() if row.status == "running" and not crashed else row.completed_at
    return "-" if end is None else duration(max(0.0, end - row.started_at))
