"""Answers the agent calls of a run from a recording: no agent is called, its changes are applied."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt_cassettes.comparing import Comparison, describe
from loopengt_cassettes.errors import CassetteDamaged, CassetteMismatch, CassetteMissing
from loopengt_cassettes.folders import look
from loopengt_cassettes.patches import apply_patch, differing
from loopengt_cassettes.placeholders import Placeholders, root_run
from loopengt_cassettes.replies import raise_error, reply_of
from loopengt_cassettes.shelf import Shelf, call_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.middleware import CallNext

__all__ = ["Replayer"]

_PATIENCE = 5.0
"""Seconds to wait for a call that ended before this one when they were recorded; it may have been replayed earlier."""

_MOST_NAMED = 10


class Replayer:
    """A middleware that answers every call of one run from a recording.

    Calls that were under way at the same time end in the order in which they ended then.

    Args:
        folder: The recording.
        project: The project folder.
        ignore: Regular expressions; what they match in a request is not compared.
    """

    def __init__(self, folder: Path, project: Path, ignore: Iterable[str] = ()) -> None:
        self._shelf = Shelf(folder)
        self._project = project
        self._comparison = Comparison(ignore)
        self._ended: dict[str, asyncio.Event] = {}
        self._lock = asyncio.Lock()

    def unused(self) -> list[str]:
        """Return the recorded calls that were not asked for, sorted. It blocks."""
        used = {name for name, event in self._ended.items() if event.is_set()}
        return [name for name in self._shelf.names() if name not in used]

    def notes(self) -> list[str]:
        """Say what a person should know once the run has ended. It blocks."""
        unused = self.unused()
        if not unused:
            return []
        more = f" and {len(unused) - _MOST_NAMED} more" if len(unused) > _MOST_NAMED else ""
        what = "recorded call was" if len(unused) == 1 else "recorded calls were"
        return [f"{len(unused)} {what} not asked for: {', '.join(unused[:_MOST_NAMED])}{more}"]

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Answer as was recorded; ``call_next`` is not awaited.

        Raises:
            CassetteMissing: The call was not recorded.
            CassetteMismatch: The request differs from the recorded one.
            CassetteDamaged: The recording cannot be read, or its changes cannot be applied.
            AgentError: The recorded call failed.
        """
        name = call_name(root_run(request.run_id)[1], request.step, request.occurrence, request.attempt)
        cassette = await asyncio.to_thread(self._shelf.read, name)
        if cassette is None:
            raise await asyncio.to_thread(self._missing, name, request)
        placeholders = Placeholders(request.workspace, self._project, request.run_id)
        patch, during = self._checked(name, cassette)
        difference = self._comparison.difference(cassette["request"], describe(request, placeholders))
        if difference:
            raise self._mismatch(name, request, difference)
        await self._wait_for(during)
        note: dict[str, Any] = {"replayed": name, "agent": request.agent.name}
        async with self._lock:
            changed = await asyncio.to_thread(self._apply, name, request.workspace, patch)
        if changed:
            note["overwritten"] = changed[:_MOST_NAMED]
            note["note"] = f"{len(changed)} files were not what they were when the call was recorded"
        request.emit("custom", note)
        self._event(name).set()
        if "error" in cassette:
            raise_error(cassette, placeholders)
        return reply_of(cassette, placeholders)

    def _event(self, name: str) -> asyncio.Event:
        return self._ended.setdefault(name, asyncio.Event())

    async def _wait_for(self, names: list[str]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                for name in names:
                    await self._event(name).wait()
        except TimeoutError:
            return

    def _checked(self, name: str, cassette: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        match cassette:
            case {"request": dict(), "patch": dict(patch), "reply": dict()} | {
                "request": dict(),
                "patch": dict(patch),
                "error": dict(),
            }:
                return patch, [str(other) for other in cassette.get("during", ())]
        raise CassetteDamaged(
            f"the cassette {name} in {self._shelf.folder} lacks its request, its answer or its patch",
            remedy="Restore it from where the recording came from, or record it anew.",
        )

    def _apply(self, name: str, workspace: Path, patch: dict[str, Any]) -> list[str]:
        """Change the workspace, and return the files that were not what they were when the call was recorded."""
        changed = differing(patch, look(workspace, patch))
        try:
            apply_patch(workspace, patch, self._shelf.get_blob)
        except OSError as exc:
            raise CassetteDamaged(
                f"the changes of the cassette {name} cannot be made in {workspace}: {exc}",
                remedy="Replay it where the files are as they were when it was recorded.",
            ) from exc
        return changed

    def _missing(self, name: str, request: AgentRequest) -> CassetteMissing:
        beginning = name[: name.rindex(".", 0, name.rindex("."))]
        known = [other for other in self._shelf.names() if other.rsplit(".", 2)[0] == beginning]
        have = f"it has {', '.join(known[-_MOST_NAMED:])}" if known else "it has no call of that step"
        return CassetteMissing(
            f"step {request.step!r} (execution {request.occurrence}, attempt {request.attempt}) asks for the call "
            f"{name}, which is not in the recording {self._shelf.folder}: {have}",
            remedy="The loop, its files or what its gates say have changed since: record it anew with run --record.",
        )

    def _mismatch(self, name: str, request: AgentRequest, difference: str) -> CassetteMismatch:
        return CassetteMismatch(
            f"step {request.step!r} asks its agent for something else than was recorded as {name}\n{difference}",
            remedy="Record it anew with run --record; what may differ each time can be listed in "
            "[plugins.cassettes] ignore.",
        )
