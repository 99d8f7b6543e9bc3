"""Measures the exporter in spans a second, and what the observer adds to a run.

``python benchmarks/measure.py``: every figure is the median of several runs, with the least and the most of them;
the receiver is a process of its own on the same machine, and decodes what it gets.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopengt.journal import Tracer, load_run
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop
from loopengt_hookspecs.agents import AgentReply

import loopengt_otel.plugin

STEPS = 2_000
RUNS = 7
REPLY = AgentReply("done", {"prompt_tokens": 100, "completion_tokens": 20}, 0.001, "reported")


@contextmanager
def sink(kind: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """A receiver's address, and what says how many spans have come since it was last asked."""
    argv = [sys.executable, str(Path(__file__).with_name("sink.py")), kind]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()

        def count() -> int:
            process.stdin.write("\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield url, count
        process.stdin.close()


def kernel(
    project: Path, agent: Any, *, storage: str = "memory", observed: bool = False, **options: Any
) -> Any:
    """A kernel with the plugin."""
    return make_kernel(
        project,
        agents=ScriptedAgent(steps={"work": agent}),
        plugins=[("otel", loopengt_otel.plugin)],
        storage=storage,
        config={"plugins": {"otel": options}, "observers": {"names": ["otel"] if observed else []}},
    )


def laps(number: int) -> dict[str, Any]:
    """A loop of that many executions of one step."""
    stop = [{"condition_type": "max_turns", "value": number}]
    return loop_spec(pattern="repeat", stop_conditions=stop, policy={"max_turns": number + 1})


def with_tools(request: Any) -> AgentReply:
    """An agent that tells of two calls of tools."""
    for number in range(2):
        request.emit("tool.call", {"tool": "bash", "call_id": f"c{number}", "input": {"command": "ls -l"}})
        request.emit("tool.result", {"tool": "bash", "call_id": f"c{number}", "output": "a file\n" * 20})
    return REPLY


async def export(kind: str, content: bool) -> None:
    """Send a large run again and again."""
    with tempfile.TemporaryDirectory() as folder, sink(kind) as (url, count):
        made = kernel(Path(folder), with_tools, endpoint=url, protocol=kind, content=content)
        result = await run_loop(made, laps(STEPS))
        async with made.storage() as storage:
            fold, recorded = await load_run(storage, result.run_id)
        state, events = fold.snapshot(), Tracer(result.run_id).convert_all(recorded)
        sender = made.get("exporters", "otel")
        rates = []
        for _ in range(RUNS):
            began = time.perf_counter()
            await sender.send(state, events)
            taken = time.perf_counter() - began
            rates.append(count() / taken)
        what = f"export {kind}{', with content' if content else ''} ({len(events):,} events)"
        print(f"{what}: {told(rates, '{:,.0f}')} spans/s")


async def observe(seconds: float, steps: int) -> None:
    """Drive runs with and without observers, by turns."""

    async def work(_: Any) -> AgentReply:
        if seconds:
            await asyncio.sleep(seconds)
        return REPLY

    ways: dict[str, dict[str, Any]] = {
        "nobody": {},
        "one that does nothing": {"observers": [Idle()]},
        "otel": {"observed": True},
    }
    with tempfile.TemporaryDirectory() as folder, sink("http") as (url, _):
        taken: dict[str, list[float]] = {way: [] for way in ways}
        worked: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(RUNS + 1):
            for way in [*ways][number % 3 :] + [*ways][: number % 3]:
                how = ways[way]
                made = kernel(
                    Path(folder), work, storage="sqlite", observed=how.get("observed", False), endpoint=url
                )
                began, busy = time.perf_counter(), time.process_time()
                await run_loop(made, laps(steps), observers=how.get("observers", ()))
                if number:  # the first ones warm up
                    taken[way].append((time.perf_counter() - began) * 1000)
                    worked[way].append((time.process_time() - busy) * 1e6 / steps)
        plain = statistics.median(taken["nobody"])
        print(f"{steps} steps of {seconds * 1000:.0f} ms")
        for way, times in taken.items():
            more = statistics.median(times) - plain
            share, each = 100 * more / plain, more * 1000 / steps
            print(
                f"  watched by {way}: {told(times)} ms, {share:+.1f} %, {each:+.0f} us a step; "
                f"processor {told(worked[way])} us a step"
            )


class Idle:
    """An observer that does nothing: what watching costs by itself."""

    def enabled(self) -> bool:
        """Watch."""
        return True

    async def on_event(self, event: Any) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


def told(values: list[float], form: str = "{:,.0f}") -> str:
    """A median, with the range."""
    median, low, high = (
        form.format(value) for value in (statistics.median(values), min(values), max(values))
    )
    return f"{median} ({low} to {high})"


async def main() -> None:
    """Measure everything."""
    for kind in ("http", "grpc"):
        await export(kind, content=False)
    await export("http", content=True)
    await observe(0.0, 500)
    await observe(0.01, 200)
    await observe(0.05, 40)


if __name__ == "__main__":
    asyncio.run(main())
