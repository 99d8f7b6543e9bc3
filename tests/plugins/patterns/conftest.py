"""A bench for patterns: runs loops with scripted agents, and resumes them from every prefix of their journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.journal import load_run
from loopengt.testing import ScriptedAgent, make_kernel, resume_loop, run_loop
from loopengt_storage_memory.storage import MemoryStorage

from ..lagging import LaggingStorage

if TYPE_CHECKING:
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.storage import Lease, RunRow

Answer = Callable[[Any], Any]


class RecordingStorage:
    """Passes everything on to another storage, and keeps what is appended."""

    def __init__(self) -> None:
        self.inner = MemoryStorage()
        self.appends: list[tuple[int, bytes]] = []
        self.blobs: list[bytes] = []

    async def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Add a run."""
        self.appends.append((count, payload))
        return await self.inner.create(row, owner, ttl, payload, count)

    async def append(
        self, lease: Lease, expected_seq: int, count: int, payload: bytes, *args: Any, **kwargs: Any
    ) -> None:
        """Append."""
        self.appends.append((count, payload))
        await self.inner.append(lease, expected_seq, count, payload, *args, **kwargs)

    async def put_blob(self, data: bytes) -> str:
        """Store bytes."""
        self.blobs.append(data)
        return await self.inner.put_blob(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def cut(self, run_id: str, count: int) -> MemoryStorage:
        """Return a storage as a crash leaves it: with the first so many appends, and no owner."""
        (row,) = await self.inner.rows(prefix=run_id)
        (events, payload), *others = self.appends[:count]
        storage = MemoryStorage()
        for data in self.blobs:
            await storage.put_blob(data)
        broken = type(row)(run_id, row.loop_name, "running", started_at=row.started_at)
        lease = await storage.create(broken, "nobody", 60, payload, events)
        for more, payload in others:
            await storage.append(lease, events, more, payload)
            events += more
        await storage.release(lease)
        return storage


class Bench:
    """Runs loops in one project."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.storage = RecordingStorage()

    def kernel(self, agent: ScriptedAgent, storage: Any) -> Any:
        """Make a fresh kernel, as another process would."""

        @hookimpl
        def loopengt_register_storages(register: Any) -> None:
            register("bench", storage, summary="Made in the test")

        plugins = [("bench", SimpleNamespace(loopengt_register_storages=loopengt_register_storages))]
        return make_kernel(self.project, agents=agent, plugins=plugins, storage="bench")

    async def run(
        self, spec: Mapping[str, Any], agent: ScriptedAgent | None = None, **steps: Any
    ) -> tuple[RunResult, ScriptedAgent]:
        """Run a spec with an agent, or with the scripts of its steps."""
        agent = agent or ScriptedAgent(steps=steps)
        self.storage = RecordingStorage()
        return await run_loop(self.kernel(agent, self.storage), spec), agent

    async def events(self, result: RunResult, kind: str = "") -> list[Event]:
        """Return the events of the run that was run last, all or those of one type."""
        events = (await load_run(self.storage.inner, result.run_id))[1]
        return [event for event in events if not kind or event.type == kind]

    async def resume_everywhere(
        self, spec: Mapping[str, Any], answer: Answer, *, slow: bool = False
    ) -> tuple[RunResult, int]:
        """Run a spec, cut its journal after every append, resume, and hold each end against the first.

        Args:
            spec: The loop.
            answer: Answers every request.
            slow: Whether the storage of the resumed runs takes its time.

        Returns:
            The undisturbed run, and how many times it was resumed.
        """
        whole, first = await self.run(spec, ScriptedAgent(agents={"worker": answer, "other": answer}))
        prompts = {key(request): request.prompt for request in first.requests}
        expected = essence(*await load_run(self.storage.inner, whole.run_id))
        appends = len(self.storage.appends)
        for count in range(1, appends):
            storage = await self.storage.cut(whole.run_id, count)
            recorded = (await load_run(storage, whole.run_id))[1]
            done = {
                (event.step, event.data["occurrence"])
                for event in recorded
                if event.type in ("step.complete", "step.error")
            }
            agent = ScriptedAgent(agents={"worker": answer, "other": answer})
            opened = LaggingStorage(storage) if slow else storage
            result = await resume_loop(self.kernel(agent, opened), whole.run_id)
            assert result.end == whole.end, f"cut after append {count}"
            assert done.isdisjoint((request.step, request.occurrence) for request in agent.requests)
            assert {key(request): request.prompt for request in agent.requests}.items() <= prompts.items()
            assert essence(*await load_run(storage, whole.run_id)) == expected
        return whole, appends - 1


def key(request: Any) -> tuple[str, int, int]:
    """Which attempt a request is for."""
    return request.step, request.occurrence, request.attempt


def essence(fold: Any, events: list[Event]) -> dict[str, Any]:
    """What of a run depends neither on the clock nor on the order in which concurrent steps end."""
    steps = {
        name: (state.status.value, state.attempts, state.result and state.result.output)
        for name, state in fold.snapshot().step_states.items()
    }
    kinds = ("step.complete", "step.error", "handoff", "decision")
    counted = Counter((event.type, event.step) for event in events if event.type in kinds)
    return {"steps": steps, "counted": counted, "tokens": fold.tokens}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench in an empty project."""
    return Bench(tmp_path)
