"""What the workloads share: a kernel with the plugins they need, their loops, and the clock around a run."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from benchmarks import agents
from loopengt.kernel import Kernel
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import EndReason, LoopSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.storage import Storage

__all__ = [
    "WARM_UP_STEPS",
    "Spent",
    "Wrong",
    "check",
    "drive",
    "fan",
    "items",
    "laps",
    "make_kernel",
    "row_bytes",
    "sequence",
    "warm_up",
]

PLUGINS = ("agent_python", "local", "patterns", "stop_conditions", "storage_memory", "storage_sqlite")
"""Named one by one, so that what else is installed, or fails, does not change the figures."""

WARM_UP_STEPS = 20


class Wrong(Exception):
    """The engine did not do what was to be measured."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What runs took, in seconds."""

    wall: float
    cpu: float
    """Of all threads of the process."""
    results: list[RunResult]


def make_kernel(project: Path, storage: str, durability: str = "full") -> Kernel:
    """Make the kernel of a project that keeps its runs in ``memory`` or ``sqlite``."""
    project.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {"storage": {"name": storage}}
    if storage == "sqlite":
        config["plugins"] = {"storage_sqlite": {"durability": durability}}
    plugins = [(name, import_module(f"loopengt_{name}.plugin")) for name in PLUGINS]
    return Kernel(project, plugins=plugins, config=config, environ={})


def sequence(steps: int, function: str = agents.NO_OP) -> LoopSpec:
    """Make a loop of so many declared steps, one after the other."""
    return _spec(function, steps, {"steps": [{"name": f"s{i}", "agent": "worker"} for i in range(steps)]})


def fan(steps: int, function: str = agents.NO_OP) -> LoopSpec:
    """Make a loop of so many declared steps, none of which waits for another."""
    parts = {
        "pattern": "parallel_fan_out",
        "steps": [{"name": f"s{i}", "agent": "worker"} for i in range(steps)],
    }
    return _spec(function, steps, parts)


def items(count: int, function: str = agents.NO_OP) -> LoopSpec:
    """Make a loop of one step that is executed for each of so many items."""
    work = {"name": "work", "agent": "worker", "for_each": "context.numbers"}
    parts = {
        "pattern": "parallel_fan_out",
        "steps": [work],
        "context": {"numbers": list(range(count))},
    }
    return _spec(function, count, parts)


def laps(count: int, function: str = agents.NO_OP) -> LoopSpec:
    """Make a loop that takes one step so many times, until its goal says that it is enough."""
    parts = {
        "pattern": "repeat",
        "steps": [{"name": "work", "agent": "worker"}],
        "stop_conditions": [{"condition_type": "goal_met", "value": f"run.turn >= {count}"}],
    }
    return _spec(function, count, parts)


def _spec(function: str, turns: int, parts: dict[str, Any]) -> LoopSpec:
    worker = {"name": "worker", "config": {"provider": "python", "extra": {"function": function}}}
    facts = {
        "name": "benchmark",
        "goal": "Do nothing, often.",
        "agents": [worker],
        "policy": {"max_turns": turns},
    }
    return LoopSpec.model_validate(facts | parts)


async def drive(engine: Engine, spec: LoopSpec, steps: int, runs: int = 1) -> Spent:
    """Run a loop of so many steps, once or so many times at once, on the clock; binding it is off the clock.

    Raises:
        Wrong: A run did not reach its goal, or the agent was not called exactly once for each step.
    """
    request = RunRequest(spec, in_place=True)
    engine.plan(request)  # binds the loop, which the engine remembers
    agents.start_counting()
    gc.collect()
    cpu, wall = process_time(), perf_counter()
    if runs == 1:
        results = [await engine.start(request)]
    else:
        results = await asyncio.gather(*(engine.start(request) for _ in range(runs)))
    spent = Spent(perf_counter() - wall, process_time() - cpu, results)
    check(results, steps * runs)
    return spent


def check(results: Sequence[RunResult], calls: int) -> None:
    """Make sure that the runs reached their goal and called the agent exactly so often.

    Raises:
        Wrong: They did not.
    """
    for result in results:
        if result.end.reason is not EndReason.GOAL_MET:
            raise Wrong(f"run {result.run_id} ended {result.end.reason}: {result.end.detail}")
    if agents.calls() != calls:
        raise Wrong(f"the agent was called {agents.calls()} times, not {calls} times")


async def warm_up(engine: Engine, runs: int = 1) -> RunResult:
    """Run a small loop, so that all modules are imported, connections open and threads up."""
    return (await drive(engine, sequence(WARM_UP_STEPS), WARM_UP_STEPS, runs)).results[0]


async def row_bytes(storage: Storage, result: RunResult, steps: int) -> list[int]:
    """Return the size of each append that a run made, its start and its end left out.

    Raises:
        Wrong: There is not an append of its own for each step.
    """
    sizes = [len(batch.payload) async for batch in storage.read(result.run_id)][1:-1]
    if len(sizes) < steps:
        raise Wrong(f"run {result.run_id} made {len(sizes)} appends for {steps} steps")
    return sizes
