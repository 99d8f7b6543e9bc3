"""Looks for what may go, and removes it piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.archive import ClearsLeftovers, children_of, family, prunable, prune_unreferenced
from loopengt.display import visible
from loopengt.errors import LoopengtError, RunNotFound
from loopengt.finding import is_driven
from loopengt.temporary import forsaken_folders, remove_forsaken
from loopengt_cli_runs.removing import folder_size, read_header, remove_run, workspace_of
from loopengt_cli_runs.sizes import children_text, size_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from loopengt import Kernel
    from loopengt.archive import Leftover
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["Pruning"]


class Pruning:
    """One call of ``runs prune``: first a look, then the removal of what was seen.

    Args:
        kernel: The project.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.problems: list[str] = []
        """What could not be removed, and why."""
        self._kernel = kernel
        self._runs: list[tuple[RunRow, int, int]] = []
        """Each with the number of its children and the size of its workspace."""
        self._leftovers: list[tuple[Leftover, int]] = []
        self._folders: list[tuple[Path, int]] = []
        self._blobs = 0
        self._removed = 0
        self._freed = 0
        self._compacted = 0

    @property
    def is_worth_asking(self) -> bool:
        """Whether anything would go that somebody could miss."""
        return bool(self._runs or self._leftovers)

    async def look(self, older_than: float, statuses: Collection[str], keep: int) -> None:
        """Find what may go.

        Args:
            older_than: Seconds since the end of a run.
            statuses: How it ended.
            keep: So many of the newest stay.

        Raises:
            StorageError: The storage cannot be read.
        """
        async with self._kernel.storage() as storage:
            rows = await storage.rows()
            children = children_of(rows)
            going: set[str] = set()
            for row in prunable(rows, older_than=older_than, statuses=statuses, keep=keep):
                ids = [one.run_id for one in family(row, children)]
                going.update(ids)
                self._runs.append((row, len(ids) - 1, await _workspace_size(storage, row.run_id)))
            for leftover in await self._find_leftovers(rows):
                self._leftovers.append((leftover, folder_size(leftover.path)))
            self._folders = [(path, folder_size(path)) for path in forsaken_folders(self._kernel.project)]
            try:
                self._blobs = await prune_unreferenced(storage, dry_run=True, without=going)
            except LoopengtError as exc:
                self.problems.append(str(exc))

    def lines(self) -> Iterator[str]:
        """Say what may go, a line each."""
        for row, children, size in self._runs:
            more = children_text(children)
            files = f", workspace of {size_text(size)}" if size else ""
            yield f"run {row.run_id}  {visible(row.loop_name)}  {row.reason or row.status}{more}{files}"
        for leftover, size in self._leftovers:
            yield f"{leftover.what}: {visible(str(leftover.path))}  {size_text(size)}"
        for path, size in self._folders:
            yield f"temporary folder of a process that is gone: {path}  {size_text(size)}"
        if self._blobs:
            yield f"outputs that no run refers to: {size_text(self._blobs)}"
        if not (self._runs or self._leftovers or self._folders or self._blobs):
            yield "Nothing to prune."

    async def remove(self) -> None:
        """Remove what was found, as far as it can be removed; the rest is named in ``problems``.

        Raises:
            StorageError: The storage cannot be opened.
        """
        async with self._kernel.storage() as storage:
            for row, _, _ in self._runs:
                await self._remove_run(storage, row)
            await self._remove_leftovers(storage)
            for folder, size in self._folders:
                try:
                    remove_forsaken(folder)
                except OSError as exc:
                    self.problems.append(f"{folder} cannot be removed: {exc.strerror or exc}")
                else:
                    self._freed += size
            await self._tidy(storage)

    def summary(self) -> str:
        """Say what was removed."""
        runs = "1 run" if self._removed == 1 else f"{self._removed} runs"
        smaller = f"; the storage is {size_text(self._compacted)} smaller" if self._compacted else ""
        return f"Removed {runs}, and {size_text(self._freed)} of files and outputs{smaller}."

    async def _remove_run(self, storage: Storage, row: RunRow) -> None:
        try:
            done = await remove_run(self._kernel, storage, row)
        except RunNotFound:  # somebody was quicker
            return
        except LoopengtError as exc:
            self.problems.append(f"run {row.run_id} was not removed: {exc}")
            return
        self._removed += 1
        self._freed += done.size

    async def _find_leftovers(self, rows: Sequence[RunRow]) -> Sequence[Leftover]:
        engine = self._kernel.engine()
        if not isinstance(engine, ClearsLeftovers):
            return []
        return await engine.leftovers({row.run_id for row in rows})

    async def _remove_leftovers(self, storage: Storage) -> None:
        engine = self._kernel.engine()
        # Looked for again: a run may have been imported under that id meanwhile.
        still = {(one.run_id, one.what) for one in await self._find_leftovers(await storage.rows())}
        for leftover, size in self._leftovers:
            if (leftover.run_id, leftover.what) not in still or not isinstance(engine, ClearsLeftovers):
                continue
            try:
                await engine.remove_leftovers([leftover])
            except LoopengtError as exc:
                self.problems.append(f"{leftover.path} was not removed: {exc}")
            else:
                self._freed += size

    async def _tidy(self, storage: Storage) -> None:
        """Remove outputs that nobody refers to, and give unused space of the storage back."""
        try:
            self._freed += await prune_unreferenced(storage)
            if not any(is_driven(row) for row in await storage.rows()):
                self._compacted = await storage.compact()
        except LoopengtError as exc:
            if str(exc) not in self.problems:
                self.problems.append(str(exc))


async def _workspace_size(storage: Storage, run_id: str) -> int:
    folder = workspace_of(await read_header(storage, run_id))
    return 0 if folder is None else folder_size(folder)
