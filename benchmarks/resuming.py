"""Resume: how long a long run, killed or paused before its last step, takes to get to that step again."""

from __future__ import annotations

import asyncio
import gc
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from benchmarks import agents, limits
from benchmarks.workload import WARM_UP_STEPS, Wrong, check, drive, laps, make_kernel, sequence
from loopengt.journal import Fold, Replay, read_events
from loopengt_hookspecs.engines import ResumeRequest, RunRequest
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.models import LoopSpec

__all__ = ["replay", "resume"]

MakeLoop: TypeAlias = "Callable[[int, str], LoopSpec]"
"""Takes how many steps a loop has and the agent's function."""

RUN = "prepared"
READY = "ready"
LOOPS: dict[str, MakeLoop] = {"sequence": sequence, "laps": laps}


def resume(folder: Path, steps: int, loop: str, left: str) -> dict[str, float]:
    """Seconds from opening the storage to the call of the agent that is not in the journal.

    Args:
        folder: An empty folder.
        steps: How many steps are in the journal; the loop has one more.
        loop: ``sequence``: so many declared steps. ``laps``: one step, so many times.
        left: How the run was left, ``killed`` or ``paused``.
    """
    project = folder / "project"
    asyncio.run(_pause_before_last(folder / "warm", WARM_UP_STEPS, LOOPS[loop]))
    asyncio.run(_take_up(folder / "warm"))
    _prepare(project, steps, loop, left)
    before = _raw(project, folder / "before")
    seconds = asyncio.run(_take_up(project))
    raw = fmean((before, _raw(project, folder / "behind")))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"resume": seconds, "raw": raw, "rate": steps / seconds, "memory": peak}


def replay(folder: Path, steps: int) -> dict[str, float]:
    """Microseconds for each recorded step that a pattern asks for again, from a journal in memory."""
    return asyncio.run(_replay(folder, steps))


async def _replay(folder: Path, steps: int) -> dict[str, float]:
    kernel = make_kernel(folder, "memory")
    async with kernel.storage() as storage:
        run_id = (await drive(kernel.engine(), laps(steps), steps)).results[0].run_id
        payloads = [batch.payload async for batch in storage.read(run_id)]
        decode = msgspec.json.Decoder().decode
        gc.collect()
        began = perf_counter()
        for payload in payloads:
            decode(payload)
        decoded = perf_counter()
        recorded = Replay(
            lambda after: read_events(storage, run_id, after=after, together=16), Fold(history=False)
        )
        await recorded.start()
        for lap in range(1, steps + 1):
            if await recorded.ask(("step", "work", lap)) is None:
                raise Wrong(f"lap {lap} is not in the journal")
        ended = perf_counter()
        await recorded.close()
    each, limit = (ended - decoded) / steps, (decoded - began) / steps
    return {"replay": each * 1e6, "decode": limit * 1e6, "rate": 1 / each}


async def _take_up(project: Path) -> float:
    kernel = make_kernel(project, "sqlite")
    engine = kernel.engine()
    moments: list[float] = []

    async def note() -> None:
        moments.append(perf_counter())

    agents.ring_at(1, note)
    began = perf_counter()
    async with kernel.storage():
        result = await engine.resume(ResumeRequest(RUN))
    check([result], 1)
    return moments[0] - began


def _raw(project: Path, copy: Path) -> float:
    """The limit: read and decode the journal. Of a copy, since opening it moves the log into the database."""
    shutil.copytree(project / ".loopengt", copy)
    return limits.read_and_decode(copy / "loopengt.db")


# -- the journal, written by another process ----------------------------------------------------------------


def _prepare(project: Path, steps: int, loop: str, left: str) -> None:
    """Have another process write the journal, and kill it or let it pause before the last step."""
    command = [sys.executable, "-m", "benchmarks.resuming", str(project), str(steps), loop, left]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline().strip()
        if left == "killed":
            process.kill()
        else:
            process.wait()
    if ready != READY:
        raise Wrong(f"the process that was to prepare the run ended with {process.returncode}")


async def _kill_before_last(project: Path, steps: int, make: MakeLoop) -> None:
    """Run all steps but the last, say so, and wait for the end."""

    async def hang() -> None:
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    agents.ring_at(steps + 1, hang)
    kernel = make_kernel(project, "sqlite", "normal")
    async with kernel.storage():
        await kernel.engine().start(_request(make(steps + 1, agents.WATCHED)))


async def _pause_before_last(project: Path, steps: int, make: MakeLoop) -> None:
    """Run all steps but the last, and pause in that."""
    kernel = make_kernel(project, "sqlite", "normal")
    engine = kernel.engine()

    async def interrupt() -> None:
        engine.interrupt()
        await asyncio.Event().wait()

    agents.ring_at(steps + 1, interrupt)
    async with kernel.storage():
        result = await engine.start(_request(make(steps + 1, agents.WATCHED)))
    if result.end.reason is not EndReason.INTERRUPTED:
        raise Wrong(f"the run to be resumed ended {result.end.reason}: {result.end.detail}")


def _request(spec: LoopSpec) -> RunRequest:
    return RunRequest(spec, in_place=True, run_id=RUN)


def main(project: str, steps: str, loop: str, left: str) -> None:
    """Write the journal of a run that stops before its last step."""
    leave = _kill_before_last if left == "killed" else _pause_before_last
    asyncio.run(leave(Path(project), int(steps), LOOPS[loop]))
    sys.stdout.write(f"{READY}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
