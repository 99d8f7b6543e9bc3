"""Agents that ask a model: what a request costs beyond the service's own client, and many of them at once.

The service is a process of its own, which answers from a script.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.environment import child_environment
from benchmarks.pacing import seconds_a_step
from benchmarks.workload import PLUGINS, Wrong
from loopengt.kernel import Kernel
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import EndReason, LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from openai import AsyncOpenAI

    from loopengt_hookspecs.engines import RunResult

__all__ = ["ask", "together"]

_WARM_UP = 10
_MODEL = "m1"


def ask(folder: Path, requests: int) -> dict[str, float]:
    """Milliseconds of a step with one request to a model, durable, and of the request alone by OpenAI's own client."""
    with _service(folder, 0.0) as url:
        return asyncio.run(_ask(folder, url, requests))


async def _ask(folder: Path, url: str, requests: int) -> dict[str, float]:
    from openai import AsyncOpenAI

    kernel = _kernel(folder)
    async with (
        AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client,
        kernel.storage() as storage,
    ):
        await _run(kernel, _loop(url, _WARM_UP, 1))
        await _raw(client, _WARM_UP)
        times = await _raw(client, requests // 2)
        result = await _run(kernel, _loop(url, requests, 1))
        times += await _raw(client, requests - requests // 2)
        raw, engine = median(times) * 1e3, await seconds_a_step(storage, result.run_id) * 1e3
    return {"engine": engine, "raw": raw, "overhead": max(engine - raw, 1e-6)}


def together(folder: Path, agents: int, delay_ms: int) -> dict[str, float]:
    """Seconds until so many agents at once have their answers, which take the service so long, and clients alone."""
    with _service(folder, delay_ms / 1e3) as url:
        return asyncio.run(_together(folder, url, agents))


async def _together(folder: Path, url: str, agents: int) -> dict[str, float]:
    from openai import AsyncOpenAI

    kernel = _kernel(folder)
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client, kernel.storage():
        spec = _loop(url, agents, agents)
        await _run(kernel, spec)  # so that all connections are open
        await asyncio.gather(*(_raw(client, 1) for _ in range(agents)))
        began = perf_counter()
        await _run(kernel, spec)
        engine = perf_counter() - began
        began = perf_counter()
        await asyncio.gather(*(_raw(client, 1) for _ in range(agents)))
        return {"engine": engine, "raw": perf_counter() - began}


async def _raw(client: AsyncOpenAI, requests: int) -> list[float]:
    times = []
    for _ in range(requests):
        began = perf_counter()
        await client.chat.completions.create(model=_MODEL, messages=[{"role": "user", "content": "Say so."}])
        times.append(perf_counter() - began)
    return times


async def _run(kernel: Kernel, spec: LoopSpec) -> RunResult:
    result = await kernel.engine().start(RunRequest(spec, in_place=True))
    if result.end.reason is not EndReason.GOAL_MET:
        raise Wrong(f"the run ended {result.end.reason}: {result.end.detail}")
    return result


def _kernel(folder: Path) -> Kernel:
    plugins = [(name, import_module(f"loopengt_{name}.plugin")) for name in (*PLUGINS, "llm")]
    return Kernel(folder, plugins=plugins, config={"storage": {"name": "sqlite"}}, environ={})


def _loop(url: str, items: int, concurrency: int) -> LoopSpec:
    extra = {"base_url": url, "stream": False}
    facts: dict[str, Any] = {
        "name": "benchmark",
        "goal": "Ask, often.",
        "pattern": "parallel_fan_out",
        "agents": [
            {"name": "worker", "config": {"provider": "openai-compatible", "model": _MODEL, "extra": extra}}
        ],
        "steps": [
            {"name": "work", "agent": "worker", "prompt_template": "Say so.", "for_each": "context.numbers"}
        ],
        "context": {"numbers": list(range(items))},
        "policy": {"max_turns": items + 1, "max_concurrency": concurrency},
    }
    return LoopSpec.model_validate(facts)


@contextmanager
def _service(folder: Path, delay_seconds: float) -> Iterator[str]:
    script = folder / "script.json"
    usage = {"prompt_tokens": 3, "completion_tokens": 1}
    answer = {"text": "So.", "usage": usage, "delay_seconds": delay_seconds}
    script.write_text(json.dumps({"answers": [answer], "then": "repeat"}))
    command = [sys.executable, "-m", "loopengt.testing.fake_openai", "--script", str(script)]
    with subprocess.Popen(command, env=child_environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
