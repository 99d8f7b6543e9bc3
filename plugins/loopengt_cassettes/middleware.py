"""The middleware ``record`` and ``replay`` as components: they make a recorder or a replayer for a run."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt_cassettes.errors import CassetteMissing
from loopengt_cassettes.options import CassetteOptions
from loopengt_cassettes.placeholders import root_run
from loopengt_cassettes.recorder import Recorder
from loopengt_cassettes.replayer import Replayer
from loopengt_cassettes.shelf import Shelf
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.middleware import CallNext
    from loopengt_hookspecs.registration import PluginContext

__all__ = ["RecordMiddleware", "ReplayMiddleware"]

_REMEMBERED_RUNS = 64


class RecordMiddleware:
    """Records calls: those of one run into a given folder (``into``), or, named in config.toml, those of every run.

    Args:
        project: The project folder.
        options: Where the recordings of a middleware from config.toml are.
    """

    def __init__(self, project: Path, options: CassetteOptions) -> None:
        self._project = project
        self._options = options
        self._of_runs: OrderedDict[str, Recorder] = OrderedDict()

    @classmethod
    def from_context(cls, context: PluginContext) -> RecordMiddleware:
        """Make the middleware of a kernel."""
        return cls(context.project, context.options or CassetteOptions())

    def into(self, folder: Path, *, run_id: str = "") -> Recorder:
        """Return the middleware that records one run.

        Args:
            folder: Where to; it is made when the first call is recorded.
            run_id: The run, when it has begun already: its recording must be there, and goes on.

        Raises:
            UsageError: The folder holds another recording or other files, or not that of the run.
        """
        header = Shelf(folder).header()
        if run_id:
            of = "no recording" if header is None else f"the recording of run {header.get('run_id')}"
            if header is None or header.get("run_id") != run_id:
                raise UsageError(
                    f"{folder} holds {of}, and a recording has to begin with its run",
                    remedy=f"Give the folder into which run {run_id} was recorded, or record a new run.",
                )
        elif header is not None or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            what = "holds a recording" if header is not None else "is no empty folder"
            raise UsageError(
                f"{folder} {what} already, and another cannot be put into it",
                remedy="Give a folder that does not exist yet, or remove that one.",
            )
        return Recorder(folder, self._project)

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Record a call into the folder of its run.

        Raises:
            RecordingRefused: The folder cannot be written.
        """
        run_id = root_run(request.run_id)[0]
        recorder = self._of_runs.get(run_id)
        if recorder is None:
            recorder = Recorder(self._project / self._options.record / run_id, self._project)
            self._of_runs[run_id] = recorder
            while len(self._of_runs) > _REMEMBERED_RUNS:
                self._of_runs.popitem(last=False)
        return await recorder(request, call_next)


class ReplayMiddleware:
    """Replays calls: from a given recording (``of``), or, named in config.toml, from the one that its options name.

    Args:
        project: The project folder.
        options: Which recording, and what is not compared.
    """

    def __init__(self, project: Path, options: CassetteOptions) -> None:
        self._project = project
        self._options = options
        self._replayer: Replayer | None = None

    @classmethod
    def from_context(cls, context: PluginContext) -> ReplayMiddleware:
        """Make the middleware of a kernel."""
        return cls(context.project, context.options or CassetteOptions())

    def of(self, folder: Path) -> Replayer:
        """Return the middleware that replays a recording.

        Raises:
            UsageError: There is none.
            CassetteDamaged: It cannot be read, or was made by a newer version.
        """
        if Shelf(folder).header() is None:
            raise UsageError(
                f"there is no recording in {folder}",
                remedy=f"Make one: loopengt run SPEC --record {folder}",
            )
        return Replayer(folder, self._project, self._options.ignore)

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        """Replay a call.

        Raises:
            CassetteMissing: The options name no recording, or the call is not in it.
            CassetteMismatch: The request differs from the recorded one.
        """
        if self._replayer is None:
            if not self._options.replay:
                raise CassetteMissing(
                    "the middleware replay is switched on, and no recording is named",
                    remedy='Name one: [plugins.cassettes] replay = "FOLDER" in config.toml.',
                )
            try:
                self._replayer = self.of(self._project / self._options.replay)
            except UsageError as exc:
                raise CassetteMissing(exc.message, remedy=exc.remedy) from exc
        return await self._replayer(request, call_next)
