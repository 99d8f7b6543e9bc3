"""Prints entries, for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from loopengt.display import one_line, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import MemoryEntry

__all__ = ["show"]

_ID = 12


def show(entries: Sequence[MemoryEntry], *, as_json: bool, scores: bool) -> None:
    """Print entries.

    Args:
        entries: What was found.
        as_json: As a JSON array, with whole texts and without embeddings.
        scores: Whether they have scores.
    """
    if as_json:
        click.echo(json.dumps([_record(entry, scores) for entry in entries], indent=2))
        return
    for entry in entries:
        score = f"{entry.score:8.4f}  " if scores else ""
        moment = f"{entry.created_at.astimezone():%Y-%m-%d %H:%M}"
        facts = f"  {one_line(entry.metadata)}" if entry.metadata else ""
        click.echo(
            f"{score}{visible(entry.entry_id)[:_ID]:{_ID}}  {moment}  {one_line(entry.content)}{facts}"
        )


def _record(entry: MemoryEntry, scores: bool) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude={"embedding"} if scores else {"embedding", "score"})
