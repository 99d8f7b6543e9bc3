"""Makes the checkpoints of a run that is driven, with the files of its workspace where that is its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt_hookspecs.errors import LoopengtError, UsageError
from loopengt_local.workspaces.forked_files import OWN_KINDS
from loopengt_local.workspaces.trees import save_tree

if TYPE_CHECKING:
    from loopengt_local.recorded import RecordedRun

__all__ = ["checkpoint_data"]


async def checkpoint_data(run: RecordedRun, name: str, number: int) -> dict[str, Any]:
    """Keep the workspace's files, and make the data of the ``checkpoint.save`` event.

    The checkpoint is called ``NAME@NUMBER``. Files of a workspace that is the run's own are kept as they are now, with
    what other branches are just doing; of the project itself nothing is kept. Where they cannot be kept, the
    checkpoint is saved without, and ``tree_error`` says why.

    Args:
        run: The run.
        name: What the checkpoint is called: the step's name, or what the pattern says.
        number: Which one of that name it is, from 1; the next one that is free is taken.

    Raises:
        UsageError: The name is empty.
    """
    if not name:
        raise UsageError("a checkpoint needs a name", remedy="Give one, such as run.checkpoint('planned').")
    while (checkpoint_id := f"{name}@{number}") in run.fold.checkpoints or checkpoint_id in run.saving:
        number += 1
    data: dict[str, Any] = {"checkpoint_id": checkpoint_id, "name": name}
    if run.fold.header.get("workspace", {}).get("kind") not in OWN_KINDS:
        return data
    run.saving.add(checkpoint_id)
    try:
        data["tree"] = await asyncio.to_thread(save_tree, run.workspace, checkpoint_id)
    except LoopengtError as exc:
        data["tree_error"] = exc.message
        get_logger("loopengt.local").warning("files of a checkpoint were not kept", error=str(exc))
    finally:
        run.saving.discard(checkpoint_id)
    return data
