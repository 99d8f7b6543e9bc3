"""Records the agent calls of one run: what was asked, what was answered, and what it changed in the workspace."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from loopengt.redaction import process_redactor
from loopengt_cassettes.comparing import describe
from loopengt_cassettes.counting import CountingCalls
from loopengt_cassettes.errors import CassetteDamaged, RecordingRefused
from loopengt_cassettes.folders import FileState, Listing, Scanner
from loopengt_cassettes.patches import make_patch
from loopengt_cassettes.placeholders import Placeholders, root_run
from loopengt_cassettes.replies import CANCELLED, error_data, reply_data
from loopengt_cassettes.shelf import Shelf, call_name
from loopengt_hookspecs.agents import RateLimited
from loopengt_hookspecs.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.middleware import CallNext

__all__ = ["Recorder"]


@dataclass(slots=True)
class _Workspace:
    """What is known of one workspace while calls are made in it."""

    scanner: Scanner
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: Listing = field(default_factory=dict)
    """What it held when the last call in it began alone, or ended."""
    under_way: dict[str, list[str]] = field(default_factory=dict)
    """Calls in it, each with those that have ended since it began."""


class Recorder:
    """A middleware that keeps every call of one run in a folder.

    A call's patch is what has changed in the workspace since it began. Of calls at the same time in one workspace
    nobody can tell whose a change is: it goes to the one that ends first, and the order of their ends is kept.

    Args:
        folder: The recording.
        project: The project folder.
    """

    def __init__(self, folder: Path, project: Path) -> None:
        self._shelf = Shelf(folder)
        self._project = project
        self._workspaces: dict[str, _Workspace] = {}
        self._run_id = ""

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Make the call, and keep it.

        Raises:
            RecordingRefused: The folder holds the recording of another run, or cannot be written.
        """
        place = (root_run(request.run_id)[1], request.step, request.occurrence)
        name = call_name(*place, request.attempt)
        before = call_name(*place, request.attempt - 1) if request.attempt > 1 else ""
        try:
            self._claim(request)
            workspace = self._workspaces.setdefault(str(request.workspace), self._of(request.workspace))
            async with workspace.lock:
                await asyncio.to_thread(self._begin, name, before, workspace)
        except (OSError, CassetteDamaged) as exc:
            raise self._refused(exc) from exc
        counted = CountingCalls(request.calls)
        placeholders = Placeholders(request.workspace, self._project, request.run_id)
        outcome: dict[str, Any] | None = None
        over = True
        try:
            reply = await call_next(replace(request, calls=counted))
            outcome = reply_data(reply, counted, placeholders)
            return reply
        except asyncio.CancelledError:
            # Its time may be over, or it was interrupted and is made again: then this one gives way to that.
            outcome, over = {"error": CANCELLED}, False
            raise
        except Exception as exc:
            if exc is counted.ended or isinstance(exc, StorageError):
                raise  # the engine's own; the same attempt is made again when the run is resumed
            outcome = error_data(exc, placeholders)
            # Waited out, the same attempt is made again, and takes the place of this one.
            over = not (isinstance(exc, RateLimited) and exc.retry_after is not None)
            raise
        finally:
            await self._keep(name, request, workspace, outcome, over, describe(request, placeholders))

    def _of(self, root: Path) -> _Workspace:
        return _Workspace(Scanner(root, self._shelf.folder))

    def _claim(self, request: AgentRequest) -> None:
        """Begin the recording, or make sure that it is of this run."""
        run_id = root_run(request.run_id)[0]
        if self._run_id == run_id:
            return
        header = self._shelf.header()
        if self._run_id or (header is not None and header.get("run_id") != run_id):
            other = self._run_id or (header or {}).get("run_id")
            raise RecordingRefused(
                f"{self._shelf.folder} holds the recording of run {other}, not of run {run_id}",
                remedy="Record into another folder, or remove that one.",
            )
        if header is None:
            self._shelf.begin(run_id, request.loop)
        self._run_id = run_id

    def _begin(self, name: str, before: str, workspace: _Workspace) -> None:
        if before:
            self._shelf.close_open(before)  # it was too slow, and is not made again
        if not workspace.under_way:
            # What a killed or interrupted process has left of this attempt belongs to its patch.
            opened = self._shelf.read_open(name)
            workspace.known = workspace.scanner.scan() if opened is None else _listing(opened)
        workspace.under_way[name] = []
        self._shelf.write_open(
            name, {"files": {path: asdict(state) for path, state in workspace.known.items()}}
        )

    async def _keep(
        self,
        name: str,
        request: AgentRequest,
        workspace: _Workspace,
        outcome: dict[str, Any] | None,
        over: bool,
        described: dict[str, Any],
    ) -> None:
        async with workspace.lock:
            during = workspace.under_way.pop(name, [])
            if outcome is None:
                return
            data = {"name": name, "request": described, **outcome}
            if during:
                data["during"] = during
            if over or outcome["error"] is CANCELLED:
                for others in workspace.under_way.values():
                    others.append(name)
            try:
                await asyncio.to_thread(self._write, name, request.workspace, workspace, data, over)
            except OSError as exc:
                raise self._refused(exc) from exc

    def _write(self, name: str, root: Path, workspace: _Workspace, data: dict[str, Any], over: bool) -> None:
        now = workspace.scanner.scan()
        redact = process_redactor().encoded
        patch = make_patch(root, workspace.known, now, self._shelf.put_blob, redact)
        self._shelf.write(name, data | {"patch": patch})
        workspace.known = now
        if over:
            self._shelf.close_open(name)

    def _refused(self, exc: OSError | CassetteDamaged) -> RecordingRefused:
        if isinstance(exc, CassetteDamaged):
            return RecordingRefused(exc.message, remedy=exc.remedy)
        return RecordingRefused(
            f"the call cannot be recorded in {self._shelf.folder}: {exc.strerror}",
            remedy="Make room there, or resume the run without --record.",
        )


def _listing(opened: dict[str, Any]) -> Listing:
    try:
        return {path: FileState(**state) for path, state in opened["files"].items()}
    except (AttributeError, KeyError, TypeError) as exc:
        raise CassetteDamaged(
            f"a call that was begun cannot be read: {exc}", remedy="Record it anew."
        ) from None
