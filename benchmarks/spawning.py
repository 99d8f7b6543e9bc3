"""Agents that are programs: what the engine adds to a process that does nothing."""

from __future__ import annotations

import asyncio
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.pacing import seconds_a_step
from benchmarks.workload import PLUGINS, Wrong
from loopengt.kernel import Kernel
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import EndReason, LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["spawn"]

_COMMAND = ["sh", "-c", "cat > /dev/null; echo done"]
_WARM_UP = 5


def spawn(folder: Path, steps: int) -> dict[str, float]:
    """Milliseconds of a step whose agent is a program, durable, and of the same program by asyncio alone."""
    return asyncio.run(_spawn(folder, steps))


async def _spawn(folder: Path, steps: int) -> dict[str, float]:
    plugins = [(name, import_module(f"loopengt_{name}.plugin")) for name in (*PLUGINS, "agent_command")]
    kernel = Kernel(folder, plugins=plugins, config={"storage": {"name": "sqlite"}}, environ={})
    async with kernel.storage() as storage:
        await _run(kernel, _WARM_UP)
        times = await _raw(steps // 2)
        run_id = await _run(kernel, steps)
        times += await _raw(steps - steps // 2)
        raw, engine = median(times) * 1e3, await seconds_a_step(storage, run_id) * 1e3
    return {"engine": engine, "raw": raw, "overhead": max(engine - raw, 1e-6)}


async def _run(kernel: Kernel, steps: int) -> str:
    extra = {"command": _COMMAND}
    facts = {
        "name": "benchmark",
        "goal": "Do nothing, often.",
        "agents": [{"name": "worker", "config": {"provider": "command", "extra": extra}}],
        "steps": [{"name": f"s{number}", "agent": "worker"} for number in range(steps)],
        "policy": {"max_turns": steps},
    }
    result = await kernel.engine().start(RunRequest(LoopSpec.model_validate(facts), in_place=True))
    if result.end.reason is not EndReason.GOAL_MET:
        raise Wrong(f"the run ended {result.end.reason}: {result.end.detail}")
    return result.run_id


async def _raw(processes: int) -> list[float]:
    times = []
    pipe = asyncio.subprocess.PIPE
    for _ in range(processes):
        began = perf_counter()
        process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=pipe, stdout=pipe, stderr=pipe)
        await process.communicate(b"Do nothing, often.")
        times.append(perf_counter() - began)
    return times
