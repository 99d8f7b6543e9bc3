"""A laboratory for runs: kernels on shared storages, storages that die, gates and patterns made in the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.journal import Fold, load_run
from loopengt.testing import ScriptedAgent, make_kernel
from loopengt_hookspecs.gates import GateRequest, GateVerdict
from loopengt_hookspecs.storage import Batch, Lease, Renewal, RunRow, Storage
from loopengt_storage_memory.storage import MemoryStorage

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.models import Event, VerificationGate


class Killed(BaseException):
    """Stands for the end of the process: nothing that runs after it may reach the storage."""


class DyingStorage:
    """Passes everything on to another storage until its n-th append, and nothing from then on.

    Args:
        inner: Where the runs are kept.
        at: Which append is the last, from 1; the creation of a run is one, too.
        durable: Whether that append still reaches the disk.
    """

    def __init__(self, inner: Storage, at: int, *, durable: bool) -> None:
        self.inner = inner
        self.appends = 0
        self.dead = False
        self._at = at
        self._durable = durable
        self._lease: Lease | None = None

    async def bury(self) -> None:
        """Do what time, or the death of the process, does to its lease."""
        if self._lease is not None:
            await self.inner.release(self._lease)

    async def _write(self, call: Callable[[], Awaitable[Any]]) -> Any:
        if self.dead:
            raise Killed
        self.appends += 1
        if self.appends < self._at:
            return await call()
        self.dead = True
        if self._durable:
            result = await call()
            self._lease = result or self._lease
        raise Killed

    async def create(self, row: RunRow, owner: str, ttl: float, payload: bytes, count: int) -> Lease:
        """Add a run, if still alive."""
        lease: Lease = await self._write(lambda: self.inner.create(row, owner, ttl, payload, count))
        self._lease = lease
        return lease

    async def append(
        self,
        lease: Lease,
        expected_seq: int,
        count: int,
        payload: bytes,
        row: RunRow | None = None,
        *,
        release: bool = False,
    ) -> None:
        """Append, if still alive."""
        await self._write(
            lambda: self.inner.append(lease, expected_seq, count, payload, row, release=release)
        )

    async def claim(self, run_id: str, owner: str, ttl: float) -> Lease:
        """Claim."""
        self._lease = await self.inner.claim(run_id, owner, ttl)
        return self._lease

    async def renew(self, leases: Iterable[Lease], ttl: float) -> Renewal:
        """Renew, if still alive."""
        return Renewal() if self.dead else await self.inner.renew(tuple(leases), ttl)

    async def release(self, lease: Lease) -> None:
        """Release, if still alive."""
        if not self.dead:
            await self.inner.release(lease)

    def read(self, run_id: str, after: int = 0) -> AsyncIterator[Batch]:
        """Read."""
        return self.inner.read(run_id, after)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class ScriptedGates:
    """A kind of gate whose verdicts are told beforehand, in order; each gate passes when none is left."""

    def __init__(self, pure: bool = True) -> None:
        self.pure = pure
        self.verdicts: dict[str, list[Any]] = {}
        self.checked: list[tuple[str, GateRequest]] = []

    def bind(self, gate: VerificationGate, project: Path) -> Any:
        """Make a gate that asks back here."""

        async def check(request: GateRequest) -> GateVerdict:
            self.checked.append((gate.name, request))
            waiting = self.verdicts.get(gate.name)
            verdict = waiting.pop(0) if waiting else True
            if callable(verdict):
                verdict = await verdict(request)
            if isinstance(verdict, Exception):
                raise verdict
            if isinstance(verdict, str):
                return GateVerdict(False, verdict)
            return verdict if not isinstance(verdict, bool) else GateVerdict(verdict)

        return SimpleNamespace(pure=self.pure, plan=lambda: f"ask {gate.name}", missing=list, check=check)


class Lab:
    """What a test of the engine works with."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.agent = ScriptedAgent()
        self.memory: Storage = MemoryStorage()
        self.gates = ScriptedGates()
        self.slow_gates = ScriptedGates(pure=False)
        self.patterns: dict[str, Any] = {}
        self.middleware: dict[str, Any] = {}
        self.stops: dict[str, Any] = {}
        self.tool_types: dict[str, Any] = {}
        """In place of the built-in ones, when there are any."""

    def kernel(
        self,
        *,
        storage: Any = None,
        agents: Any = None,
        config: Mapping[str, Any] | None = None,
        **local: Any,
    ) -> Kernel:
        """Make a fresh kernel, as another process would, on the given storage or the one of the lab.

        Args:
            storage: The storage; None: ``self.memory``.
            agents: As for ``make_kernel``; None: ``self.agent``.
            config: Further tables of the config.
            **local: Options of the engine.
        """
        plugins = [
            ("lab", self._plugin(self.memory if storage is None else storage)),
            ("gates", import_module("loopengt_gates.plugin")),
        ]
        if self.tool_types:
            plugins.append(("tools", SimpleNamespace()))
        tables: dict[str, Any] = {"plugins": {"local": local}, **(config or {})}
        return make_kernel(
            self.project, agents=agents or self.agent, plugins=plugins, storage="lab", config=tables
        )

    async def events(self, run_id: str) -> list[Event]:
        """The whole journal of a run; fails when it has a gap."""
        events = (await self.load(run_id))[1]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        return events

    async def load(self, run_id: str) -> tuple[Fold, list[Event]]:
        """The journal of a run and its fold."""
        return await load_run(self.memory, run_id)

    async def types(self, run_id: str) -> list[str]:
        """The types of a run's events."""
        return [event.type for event in await self.events(run_id)]

    def _plugin(self, storage: Any) -> object:
        def registers(kind: str, components: Mapping[str, Any]) -> Any:
            @hookimpl(specname=f"loopengt_register_{kind}")
            def hook(register: Any) -> None:
                for name, component in components.items():
                    register(name, component, summary="Made in the test")

            return hook

        kinds: dict[str, Mapping[str, Any]] = {
            "storages": {"lab": storage},
            "gates": {"told": self.gates, "told_slowly": self.slow_gates},
            "patterns": self.patterns,
            "middleware": self.middleware,
            "stop_conditions": self.stops,
            "tool_types": self.tool_types,
        }
        return SimpleNamespace(
            **{f"loopengt_register_{kind}": registers(kind, components) for kind, components in kinds.items()}
        )


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory in an empty project."""
    return Lab(tmp_path)


@pytest.fixture
def dying() -> type[DyingStorage]:
    """The storage that dies."""
    return DyingStorage


@pytest.fixture
def killed() -> type[Killed]:
    """What a dying storage raises."""
    return Killed


def told(name: str, **fields: Any) -> dict[str, Any]:
    """Declare a gate whose verdicts are told beforehand."""
    return {"name": name, "kind": "told", **fields}
