"""Suites: what a trial costs beyond its run, sequentially, in SQLite."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from benchmarks.workload import PLUGINS, Wrong
from loopengt import hookimpl
from loopengt.kernel import Kernel
from loopengt_evals.suites.planning import Choice
from loopengt_evals.suites.progress import Lines
from loopengt_evals.suites.reading import load_suite
from loopengt_evals.suites.running import Options
from loopengt_evals.suites.session import begin_evaluation, run_evaluation
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.engines import RunRequest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["overhead"]

_LOOP = {
    "name": "benchmark",
    "goal": "Say done.",
    "agents": [{"name": "worker", "config": {"provider": "sayer"}}],
    "steps": [{"name": "work", "agent": "worker"}],
}


def overhead(folder: Path, cases: int) -> dict[str, float]:
    """Milliseconds a case: runs that are started one after the other, and the same as trials of a suite."""
    (folder / ".loopengt").mkdir()
    (folder / "loop.json").write_text(json.dumps(_LOOP))
    listed = [{"id": f"case-{number}", "expected": "done"} for number in range(cases)]
    suite = {
        "name": "benchmark",
        "loop": "loop.json",
        "judges": ["exact"],
        "isolation": "empty",
        "cases": listed,
    }
    (folder / "evals.yaml").write_text(json.dumps(suite))
    asyncio.run(_runs(_kernel(folder), 5))
    raw = asyncio.run(_runs(_kernel(folder), cases))
    ours = _suite(_kernel(folder), cases)
    return {"raw": raw, "suite": ours, "overhead": ours - raw}


def _kernel(folder: Path) -> Kernel:
    @hookimpl
    def loopengt_register_agents(register: Any) -> None:
        register(
            "sayer", SimpleNamespace(options=None, bind=lambda role, project: _Sayer()), summary="Says done"
        )

    named: list[tuple[str, object]] = [
        (name, import_module(f"loopengt_{name}.plugin"))
        for name in dict.fromkeys((*PLUGINS, "judges", "metrics", "evals"))
    ]
    named.append(("sayer", SimpleNamespace(loopengt_register_agents=loopengt_register_agents)))
    return Kernel(folder, plugins=named, config={"storage": {"name": "sqlite"}}, environ={})


class _Sayer:
    """An agent that takes no time."""

    free = True

    def plan(self) -> str:
        """Say what it does."""
        return "say done"

    def missing(self) -> list[Any]:
        """Nothing."""
        return []

    async def invoke(self, request: Any) -> AgentReply:
        """Say done."""
        return AgentReply("done")


async def _runs(kernel: Kernel, count: int) -> float:
    spec = kernel.load_spec(kernel.project / "loop.json").spec
    async with kernel.storage():
        began = perf_counter()
        for _ in range(count):
            result = await kernel.engine().start(RunRequest(spec, workspace="empty"))
            if result.end.reason.exit_code:
                raise Wrong(f"the run ended {result.end.reason}: {result.end.detail}")
        return (perf_counter() - began) / count * 1_000


def _suite(kernel: Kernel, count: int) -> float:
    prepared = begin_evaluation(kernel, load_suite(kernel.project, kernel.project), Choice())
    began = perf_counter()
    result = asyncio.run(run_evaluation(prepared, Options(concurrency=1), Lines(live=False, quiet=True)))
    took = (perf_counter() - began) / count * 1_000
    if not all(trial.passed for trial in result.trials):
        raise Wrong(f"a trial was no success: {result.trials[0].why}")
    return took
