"""The fixture ``loop_run``: runs a loop with scripted, replayed or, when asked, real agents."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loopengt.errors import UsageError
from loopengt.kernel import Kernel
from loopengt.project import find_project
from loopengt.testing.loop_runs.answering import Answering
from loopengt.testing.loop_runs.result import LoopRun, Stage, read_run, run_now
from loopengt.testing.running import load_given

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.testing.scripted import Script
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["LoopRunner"]

_OWN = {"storage.name": "memory", "observers.names": ""}
"""Settings of every kernel that is made here: a test leaves nothing behind, and tells nobody."""

_MOST_SHOWN = 5
"""Runs that are shown of a test that fails, the last ones."""


class LoopRunner:
    """Runs loops in one test; the fixture ``loop_run``.

    Args:
        folder: The test's temporary folder.
        places: Where relative paths begin, the first that has the file: the folder of the test, then those above it.
        live: Whether the test may call real agents.
    """

    def __init__(self, folder: Path, places: Sequence[Path], *, live: bool) -> None:
        self._folder = folder
        self._places = places
        self._live = live
        self._kernels: dict[Path, Kernel] = {}
        self.runs: list[LoopRun] = []
        """The runs of the test so far."""

    def __call__(self, spec: str | Path | Mapping[str, Any] | LoopSpec, **options: Any) -> LoopRun:
        """Run a loop until it ends or pauses.

        Args:
            spec: The loop's file, or the folder with its ``loop.yaml``: relative to the folder of the test, or to one
                above it; or a loop as a dict, such as ``loop_spec()`` makes.
            options: As ``arun`` takes them.

        Raises:
            SpecError: The loop has problems.
            UsageError: The words do not fit together.
        """
        __tracebackhide__ = True
        return run_now(self.arun(spec, **options), "loop_run.arun(…)")

    async def arun(
        self,
        spec: str | Path | Mapping[str, Any] | LoopSpec,
        *,
        answers: Script | Mapping[str, Script] | None = None,
        agents: Mapping[str, Script] | None = None,
        judges: Mapping[str, Script] | None = None,
        replay: str | Path | None = None,
        live: bool = False,
        context: Mapping[str, Any] | None = None,
        files: Mapping[str, str | bytes] | None = None,
        workspace: Literal["copy", "empty"] = "copy",
        kernel: Kernel | None = None,
    ) -> LoopRun:
        """Do as calling it does, in an async test.

        Args:
            spec: The loop.
            answers: What agents answer: lists by step, or one list for all steps. In place of a list a function can
                stand, which takes the ``AgentRequest`` and answers each time. See ``loopengt.testing.scripted.Answer``.
            agents: The same by agent, for steps that ``answers`` does not name.
            judges: The same by judge, for gates whose judge asks an agent.
            replay: A recording of ``loopengt run --record``, in place of answers.
            live: Whether calls that have no answer go to the loop's real agents; only in a test with the mark
                ``live_agents``.
            context: Names that override the loop's context.
            files: Files that the workspace has from the start, by their relative paths.
            workspace: What the run works in: a copy of the project, or a folder with nothing but ``files``.
            kernel: The project, such as ``make_kernel`` makes; None: the loop's own, with its config.toml, its plugins
                and all that are installed, journals in memory, and nobody who watches.
        """
        if replay is not None and (answers is not None or agents or judges or live):
            raise UsageError(
                "replay stands in place of answers, agents, judges and live", remedy="Take it, or them."
            )
        if live and not self._live:
            raise UsageError(
                "live=True calls real agents, which may cost something, and the test does not say so",
                remedy="Mark it with @pytest.mark.live_agents; such tests run with pytest --live-agents only.",
            )
        given = frozenset(context or ())
        path: Path | None = None
        if isinstance(spec, str | Path):
            path = self._find(spec)
            kernel = kernel or self._kernel(path)
            loaded = kernel.load_spec(path, given).spec
        else:
            kernel = kernel or self._kernel(None)
            loaded = load_given(kernel, spec, given)
        answering: Answering | None = None
        if replay is not None:
            middleware: tuple[Middleware, ...] = (kernel.get("middleware", "replay").of(self._find(replay)),)
        else:
            answering = Answering(answers, agents, judges, live=live)
            answering.check(*_names(kernel, loaded, path))
            middleware = (answering,)
        stage = Stage(kernel, loaded, answering, middleware, live, self.runs.append)
        async with kernel.storage() as storage:
            result = await self._start(stage, path, context or {}, files or {}, workspace)
            return await read_run(stage, storage, result)

    async def _start(
        self,
        stage: Stage,
        path: Path | None,
        context: Mapping[str, Any],
        files: Mapping[str, str | bytes],
        workspace: Literal["copy", "empty"],
    ) -> RunResult:
        from loopengt_hookspecs.engines import RunRequest

        request = RunRequest(
            spec=stage.spec,
            source=path,
            context=context,
            workspace=workspace,
            files={name: each.encode() if isinstance(each, str) else each for name, each in files.items()},
            middleware=stage.middleware,
        )
        result = await stage.kernel.engine().start(request)
        notes = getattr(stage.middleware[0], "notes", tuple)
        result.notes = (*result.notes, *notes())
        return result

    def _find(self, name: str | Path) -> Path:
        """Return the file or folder that is meant.

        Raises:
            UsageError: There is none.
        """
        for place in self._places:
            if (place / name).exists():
                return (place / name).resolve()
        where = (
            f"{self._places[0]} nor in a folder above it" if len(self._places) > 1 else str(self._places[0])
        )
        raise UsageError(f"there is no {str(name)!r}, neither in {where}")

    def _kernel(self, path: Path | None) -> Kernel:
        """Return the kernel of the project that a loop belongs to; one for each project of the test."""
        project = self._folder if path is None else find_project(path if path.is_dir() else path.parent)
        if project not in self._kernels:
            memory = {"plugins.memory.path": str(self._folder / "memory.db")}
            probe = Kernel(project, options=_OWN)
            known = any(record.name == "memory" and record.status == "loaded" for record in probe.plugins)
            self._kernels[project] = Kernel(project, options=_OWN | memory) if known else probe
        return self._kernels[project]

    def sections(self) -> list[tuple[str, str]]:
        """Return a title and a tree for each run that no assertion has shown, for the report of a failure."""
        unseen = [run for run in self.runs if not run.shown]
        return [(f"loop run {run.id}", _tree(run)) for run in unseen[-_MOST_SHOWN:]]

    def clean(self) -> None:
        """Remove the workspaces of the runs; of an engine that has put them elsewhere they stay."""
        for run in self.runs:
            if run.made_workspace:
                shutil.rmtree(run.workspace, ignore_errors=True)


def _tree(run: LoopRun) -> str:
    """Return its tree; what goes wrong with that must not hide why the test failed."""
    try:
        return run.tree()
    except Exception as exc:
        return f"the trace cannot be shown: {type(exc).__name__}: {exc}"


def _names(kernel: Kernel, spec: LoopSpec, path: Path | None) -> tuple[set[str], set[str]]:
    """Return the names of all steps and agents, those of the loops below it included."""
    specs = [spec, *kernel.load_loops(spec, path).values()]
    return {step.name for each in specs for step in each.steps}, {
        role.name for each in specs for role in each.agents
    }
