"""Writes the files of runs: every method is one step under the lock of one run's file."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from loopengt.ownership import is_free, lease_lost, run_owned
from loopengt_hookspecs.storage import Lease, LeaseLost, Renewal, RunNotFound, RunRow, StorageError
from loopengt_storage_jsonl.journal import JournalFile, events, no_run
from loopengt_storage_jsonl.names import file_stem
from loopengt_storage_jsonl.state import RunState, load, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["RunFiles"]


class RunFiles:
    """The files of all runs of one folder. To be used by one thread; other processes may use theirs.

    Args:
        folder: Where the files lie.
        sync: Whether an append is on the disk, not only with the operating system, when it returns.
    """

    def __init__(self, folder: Path, *, sync: bool) -> None:
        self.folder = folder
        self._sync = sync
        self._held: dict[str, RunState] = {}
        """States of the runs that are driven through this object, so that an append reads nothing."""

    def path(self, run_id: str) -> Path:
        """Return the file of a run, whether it exists or not."""
        return self.folder / f"{file_stem(run_id)}.jsonl"

    def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Write the first line of a run, which also leases it."""
        with JournalFile(self.path(row.run_id), sync=self._sync, create=True) as file:
            if file.damage or file.state.lines:
                raise StorageError(f"There is a run {row.run_id} already.", remedy="Choose another run id.")
            # Not 1: a lease on a deleted run must be none on a later run of the same id.
            fence = time.time_ns() // 1_000
            file.write(events(1, count, row) | _claim(fence, owner, ttl), payload)
            self._keep(row.run_id, file)
        return Lease(row.run_id, fence)

    def claim(self, run_id: str, owner: str, ttl: float) -> Lease:
        """Lease a run that nobody drives."""
        with self._open(run_id) as file:
            state = file.state
            if state.owner is not None and not is_free(state.owner, state.until):
                raise run_owned(run_id, state.owner)
            file.write(_claim(state.fence + 1, owner, ttl))
            self._keep(run_id, file)
            return Lease(run_id, state.fence)

    def append(
        self,
        lease: Lease,
        expected_seq: int,
        count: int,
        payload: bytes,
        row: RunRow | None,
        *,
        release: bool,
    ) -> None:
        """Append events, the changed row and the end of the lease as one line."""
        fields = events(expected_seq + 1, count, row)
        if release:
            fields["release"] = True
        with self._leased(lease) as file:
            if file is None or file.state.held != lease.fence:
                raise lease_lost(lease.run_id, file.state.owner if file else None)
            if file.state.last_seq != expected_seq:
                raise _moved_on(lease.run_id, file.state.last_seq, expected_seq)
            file.write(fields, payload)
            if row is not None or release:
                self._keep(lease.run_id, file)

    def delete(self, lease: Lease) -> None:
        """Remove a run that is held."""
        with self._leased(lease) as file:
            if file is None or file.state.held != lease.fence:
                raise lease_lost(lease.run_id, file.state.owner if file else None)
            file.remove()
            self._held.pop(lease.run_id, None)

    def release(self, lease: Lease) -> None:
        """Give a lease back, unless it is lost."""
        with self._leased(lease) as file:
            if file is not None and file.state.held == lease.fence:
                file.write({"release": True})
                self._keep(lease.run_id, file)

    def renew(self, leases: Sequence[Lease], ttl: float) -> Renewal:
        """Prolong leases and collect signals; a run that cannot be written does not keep others back."""
        renewal = Renewal()
        failure: OSError | StorageError | None = None
        for lease in leases:
            try:
                self._renew(lease, time.time() + ttl, renewal)
            except (OSError, StorageError) as error:
                failure = error
        # An error now would lose the signals that are in hand; the next renewal meets it again.
        if failure is not None and not renewal.signals:
            raise failure
        return renewal

    def _renew(self, lease: Lease, until: float, renewal: Renewal) -> None:
        with self._leased(lease) as file:
            if file is None or file.state.held != lease.fence:
                self._held.pop(lease.run_id, None)
                renewal.lost.append(lease)
                return
            file.prolong(until)
            if file.state.signals:
                signals = list(file.state.signals)
                file.write({"delivered": len(signals)})
                renewal.signals += [(lease.run_id, signal) for signal in signals]

    def signal(self, run_id: str, signal: dict[str, Any]) -> None:
        """Leave a signal in the run's file."""
        with self._open(run_id) as file:
            file.write({"signal": signal})

    def rows(self, prefix: str, status: str | None, loop_name: str | None) -> list[RunRow]:
        """Return the rows that pass, newest first; a damaged file's as it was before the damage."""
        found = []
        for path in self.folder.glob("*.jsonl"):
            row = _row(path)
            if (
                row is not None
                and row.run_id.startswith(prefix)
                and (status is None or row.status == status)
                and (loop_name is None or row.loop_name == loop_name)
            ):
                found.append(row)
        return sorted(found, key=lambda row: (row.started_at, row.run_id), reverse=True)

    @contextmanager
    def _open(self, run_id: str, known: RunState | None = None) -> Iterator[JournalFile]:
        """Lock a run's file and sum it up, with what others have done to it.

        Raises:
            RunNotFound: There is no such run.
            StorageCorrupt: The file is damaged; nothing may be appended.
        """
        with ExitStack() as stack:
            try:
                file = stack.enter_context(JournalFile(self.path(run_id), sync=self._sync, known=known))
            except FileNotFoundError:
                raise no_run(run_id, self.folder) from None
            if file.damage:
                raise file.damage
            if not file.state.lines:
                raise no_run(run_id, self.folder)
            yield file

    @contextmanager
    def _leased(self, lease: Lease) -> Iterator[JournalFile | None]:
        """Do the same for a run that was leased here; None when its file was taken away."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self._open(lease.run_id, self._held.get(lease.run_id)))
            except RunNotFound:
                self._held.pop(lease.run_id, None)
                yield None
                return
            yield file

    def _keep(self, run_id: str, file: JournalFile) -> None:
        """Remember the state of a run while it is driven from here, and write it beside the file."""
        if file.state.held:
            self._held[run_id] = file.state
        else:
            self._held.pop(run_id, None)
        summarise(file.state, file.path)


def _row(path: Path) -> RunRow | None:
    try:
        state = load(path)[0]
    except FileNotFoundError:
        return None
    return state.listed() if state.lines else None


def _claim(fence: int, owner: str, ttl: float) -> dict[str, Any]:
    return {"claim": {"fence": fence, "owner": owner, "until": time.time() + ttl}}


def _moved_on(run_id: str, stands: int, expected: int) -> LeaseLost:
    return LeaseLost(
        f"The journal of run {run_id} stands at event {stands}, not at {expected}.",
        remedy=f"Something else appended to it; resume the run: loopengt resume {run_id}",
    )
