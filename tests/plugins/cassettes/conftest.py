"""A studio: a project, loops with agents made in the test, and runs that are recorded and replayed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.journal import read_events
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel
from loopengt_hookspecs.engines import ResumeRequest, RunRequest

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.engines import RunResult


class Studio:
    """Records runs of a project and replays them in a copy of it, as it was at first.

    Args:
        folder: Where all of it is.
    """

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        self.tape = folder / "tape"
        self.copies = folder / "copies"
        self.config: dict[str, Any] = {}
        self.plugins: list[tuple[str, object]] = []

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file into the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def kernel(self, project: Path, agent: Any = None) -> Kernel:
        """Make a kernel; without an agent every call fails the test."""
        agents = {"scripted": agent if agent is not None else ScriptedAgent()}
        return make_kernel(project, agents=agents, storage="sqlite", config=self.config, plugins=self.plugins)

    def copy(self, name: str = "copy") -> Path:
        """Copy the project as it is now."""
        target = self.copies / name
        shutil.copytree(self.project, target, symlinks=True, ignore=shutil.ignore_patterns(".loopengt"))
        return target

    def load(self, kernel: Kernel, spec: dict[str, Any]) -> Any:
        """Load a spec as a file of the project's would be."""
        file = kernel.project / ".loopengt" / "studio.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(spec))
        return kernel.load_spec(file).spec

    async def drive(self, kernel: Kernel, spec: dict[str, Any], middleware: Any, **fields: Any) -> RunResult:
        """Run a loop with a middleware around its calls, on the project's own files unless told otherwise."""
        fields = {"in_place": True, **fields}
        request = RunRequest(self.load(kernel, spec), middleware=(middleware,), **fields)
        async with kernel.storage():
            return await kernel.engine().start(request)

    async def record(self, agent: Any, spec: dict[str, Any], **fields: Any) -> RunResult:
        """Run a loop in the project and record it."""
        kernel = self.kernel(self.project, agent)
        return await self.drive(kernel, spec, self.recorder(kernel), **fields)

    def recorder(self, kernel: Kernel, run_id: str = "") -> Any:
        """Make the middleware that records."""
        return kernel.get("middleware", "record").into(self.tape, run_id=run_id)

    async def replay(self, project: Path, spec: dict[str, Any], **fields: Any) -> RunResult:
        """Run a loop in another project, from the recording."""
        kernel = self.kernel(project)
        self.replayer = kernel.get("middleware", "replay").of(self.tape)
        return await self.drive(kernel, spec, self.replayer, **fields)

    async def resume(self, kernel: Kernel, run_id: str, middleware: Any) -> RunResult:
        """Resume a run with a middleware around its calls."""
        async with kernel.storage():
            return await kernel.engine().resume(ResumeRequest(run_id, middleware=(middleware,)))

    async def events(self, kernel: Kernel, run_id: str, kind: str) -> list[dict[str, Any]]:
        """Return the data of a run's events of one kind."""
        async with kernel.storage() as storage:
            return [
                event.data
                async for some in read_events(storage, run_id)
                for event in some
                if event.type == kind
            ]

    def cassette(self, name: str) -> dict[str, Any]:
        """Return a recorded call."""
        return dict(json.loads((self.tape / "calls" / f"{name}.json").read_text()))

    def names(self) -> list[str]:
        """Return the names of the recorded calls."""
        return sorted(path.stem for path in (self.tape / "calls").iterdir())


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """An empty project, and room for recordings."""
    return Studio(tmp_path)


@pytest.fixture
def files_of() -> Callable[[Path], dict[str, bytes]]:
    """Return what a folder holds, by path, without what belongs to loopengt."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and ".loopengt" not in path.parts
        }

    return read


@pytest.fixture
def repeating() -> Callable[..., dict[str, Any]]:
    """Make a loop that repeats one step until a command gate passes."""

    def make(*command: str, **changes: Any) -> dict[str, Any]:
        gate = {"name": "check", "kind": "command", "command": list(command)}
        step = {"name": "mend", "prompt_template": "Mend it.", "verification_gates": ["check"]}
        return loop_spec(step, pattern="repeat", policy={"verification_gates": [gate]}, **changes)

    return make
