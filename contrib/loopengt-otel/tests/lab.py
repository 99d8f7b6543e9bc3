"""A project whose runs are sent to a receiver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt.journal import Fold, Tracer, read_events
from loopengt.testing import ScriptedAgent, make_kernel, run_loop

import loopengt_otel.plugin

from .receivers import GrpcReceiver

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import LoopState, TraceEvent

    from .receivers import Receiver


@dataclass
class Lab:
    """A project whose runs go to a receiver."""

    project: Path
    agent: ScriptedAgent = field(default_factory=ScriptedAgent)
    options: dict[str, Any] = field(default_factory=dict)
    observed: bool = False
    plugins: list[tuple[str, object]] = field(default_factory=list)
    agents: dict[str, Any] = field(default_factory=dict)
    storage: str = "memory"
    _kernel: Kernel | None = None

    @property
    def kernel(self) -> Kernel:
        """The kernel, made at first use."""
        if self._kernel is None:
            self._kernel = self.another()
        return self._kernel

    def another(self) -> Kernel:
        """A further kernel, as another process has one."""
        config: dict[str, Any] = {"plugins": {"otel": self.options}}
        if self.observed:
            config["observers"] = {"names": ["otel"]}
        return make_kernel(
            self.project,
            agents={"scripted": self.agent, **self.agents},
            plugins=[("otel", loopengt_otel.plugin), *self.plugins],
            storage=self.storage,
            config=config,
        )

    def to(self, receiver: Receiver, **options: Any) -> Lab:
        """Say where runs go."""
        grpc = isinstance(receiver, GrpcReceiver)
        self.options = {"endpoint": receiver.url, "protocol": "grpc" if grpc else "http", **options}
        return self

    async def run(self, spec: dict[str, Any] | None = None, **more: Any) -> RunResult:
        """Drive a run."""
        return await run_loop(self.kernel, spec, **more)

    async def another_run(self, spec: dict[str, Any]) -> str:
        """Drive a run with a kernel of its own, as the options are now."""
        return (await run_loop(self.another(), spec)).run_id

    async def recorded(self, run_id: str) -> tuple[LoopState, list[TraceEvent]]:
        """What an exporter is handed of a run: its state, and its events with those of its child runs in place."""
        events: list[TraceEvent] = []
        async with self.kernel.storage() as storage:
            seen: set[str] = set()

            async def read(name: str) -> Fold:
                fold, tracer = Fold(), Tracer(name)
                seen.add(name)
                async for batch in read_events(storage, name):
                    for event in batch:
                        fold.apply(event)
                        events.append(tracer.convert(event))
                        child = event.data.get("run") if event.type == "step.start" else None
                        if isinstance(child, str) and child not in seen:
                            await read(child)
                return fold

            state = (await read(run_id)).snapshot()
        return state, events

    async def export(self, run_id: str) -> str:
        """Send a recorded run."""
        sentence: str = await self.another().get("exporters", "otel").send(*await self.recorded(run_id))
        return sentence
