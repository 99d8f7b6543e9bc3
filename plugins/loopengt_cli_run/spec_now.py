"""Loads the loop of a run once more, to see whether its file has changed since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import SpecError, UsageError
from loopengt.journal import read_events
from loopengt_cli_run.text import say

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["spec_now"]

_GO_ON = ("failed", "stopped", "exhausted")
"""Ends after which a resume may go on."""


async def spec_now(
    kernel: Kernel, storage: Storage, row: RunRow, *, accept: bool, quiet: bool
) -> LoopSpec | None:
    """Return the loop of a run as its file has it now; None when there is no such file any more.

    Args:
        kernel: The project.
        storage: Where the run is kept.
        row: The run. Of one that has ended for good nothing is loaded.
        accept: Whether the run is to go on by the loop as it is now: then there has to be one.
        quiet: Do not say that the file is gone.

    Raises:
        UsageError: The file is not a valid spec, or it is gone although it is wanted.
    """
    if row.completed_at is not None and row.reason not in _GO_ON:
        return None
    header: dict[str, Any] = {}
    async for events in read_events(storage, row.run_id, blobs=False):
        header = events[0].data
        break
    return _load(kernel, row.run_id, header, accept, quiet)


def _load(kernel: Kernel, run_id: str, header: dict[str, Any], accept: bool, quiet: bool) -> LoopSpec | None:
    source = header.get("source")
    if source is None or not Path(source).is_file():
        gone = f"The file {source} is gone" if source else f"Run {run_id} was not started from a file"
        if accept:
            raise UsageError(f"{gone}: there is no changed loop to accept", remedy="Leave out --accept-spec.")
        if source and not quiet:
            say(f"{gone}; the run goes on by the loop as it was recorded.")
        return None
    try:
        return kernel.load_spec(Path(source), frozenset(header.get("context", {}))).spec
    except SpecError as exc:
        raise UsageError(
            f"the loop of run {run_id} is no longer valid:\n{exc}",
            remedy="Mend it, or go on by the loop as it was recorded: --keep-spec",
        ) from exc
