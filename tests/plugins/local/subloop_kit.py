"""What tests of sub-loops need: files of loops, steps that run them, and agents that hang."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from loopengt.testing import loop_spec

if TYPE_CHECKING:
    from pathlib import Path


def write_loop(project: Path, name: str, *steps: Any, **fields: Any) -> None:
    """Write a loop's file into a project."""
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(loop_spec(*steps, **{"name": path.stem, **fields})))


def sub(name: str, loop: str = "child.yaml", **fields: Any) -> dict[str, Any]:
    """Declare a step that runs a loop."""
    return {"name": name, "loop": loop, **fields}


async def children(lab: Any, parent: str) -> list[Any]:
    """Return the rows of a run's children."""
    return [row for row in await lab.memory.rows() if row.parent == parent]


async def told_to_stop(lab: Any, run_id: str) -> None:
    """Wait until a run's journal says that it is to stop."""
    while "loop.stop" not in await lab.types(run_id):  # noqa: ASYNC110 - the journal is what is looked at
        await asyncio.sleep(0.01)


async def at_an_end(lab: Any, parent: str) -> None:
    """Wait until a run has a child, and all its children have ended."""
    while True:
        rows = await children(lab, parent)
        if rows and all(row.completed_at for row in rows):
            return
        await asyncio.sleep(0.01)
