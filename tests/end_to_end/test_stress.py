"""Much at once, and much in a row: many processes on one database, wide loops, a run of a hundred thousand steps."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel
from loopengt.journal import read_events
from loopengt.testing import loop_spec, make_kernel, run_loop
from loopengt_hookspecs.models import EndReason, Event

if TYPE_CHECKING:
    from loopengt.journal import Fold

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

WIDTH = 5000
LAPS = 100_000
EARLY = 10_000
GROWTH_MB = 10
"""How much larger a process may be after a hundred thousand laps than after ten thousand: far less than the journal,
of which each lap adds half a kilobyte."""

AGENTS = """
    import os, signal
    from pathlib import Path

    calls = 0

    async def answer(request):
        return {"run": request.run_id, "step": request.step, "item": request.prompt}

    async def lap(request):
        global calls
        calls += 1
        here = request.occurrence
        if here in (EARLY, LATE) or here % 50_000 == 0:
            size = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            with open("size.log", "a") as log:
                log.write(f"{os.getpid()} {here} {calls} {size}\\n")
        if here == LATE and not os.path.exists("killed"):
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"lap": here}
"""

MANY = """
    import asyncio, json, sys
    from pathlib import Path
    from loopengt import Kernel
    from loopengt_hookspecs.engines import RunRequest

    async def main():
        kernel = Kernel(Path.cwd(), environ={})
        files = [Path(name) for name in sys.argv[2:]]
        async with kernel.storage():
            specs = [kernel.load_spec(file).spec for file in files]
            runs = [
                kernel.engine().start(RunRequest(spec=specs[number % len(specs)], in_place=True))
                for number in range(int(sys.argv[1]))
            ]
            results = await asyncio.gather(*runs)
        print(json.dumps([[result.run_id, result.end.reason.value] for result in results]))

    asyncio.run(main())
"""

PYTHON = [{"name": "worker", "config": {"provider": "python", "extra": {"function": "agents:answer"}}}]


def project(folder: Path) -> Path:
    """Make a project whose agents are functions, and whose runs are kept in SQLite."""
    (folder / ".loopengt").mkdir()
    (folder / ".loopengt" / "config.toml").write_text('[storage]\nname = "sqlite"\n')
    numbers = f"EARLY, LATE = {EARLY}, {LAPS - 7}\n"
    (folder / "agents.py").write_text(numbers + textwrap.dedent(AGENTS))
    return folder


def loopengt(folder: Path, *arguments: str, seconds: float = 200.0) -> subprocess.CompletedProcess[str]:
    """Run ``loopengt`` in a project to its end."""
    command = [sys.executable, "-m", "loopengt", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds)


async def events_of(kernel: Kernel, run_id: str) -> AsyncIterator[Event]:
    """Yield the journal of a run, without holding all of it."""
    async with kernel.storage() as storage:
        async for events in read_events(storage, run_id, together=16):
            for event in events:
                yield event


def test_ten_processes_write_one_database(tmp_path: Path) -> None:
    """Of ten processes with fifty runs each none finds the database locked: all reach their goal, each as its own."""
    folder = project(tmp_path)
    shapes: dict[str, dict[str, Any]] = {
        "row": loop_spec("a", "b", "c", agents=PYTHON),
        "fan": loop_spec("a", "b", "c", agents=PYTHON, pattern="parallel_fan_out"),
        "items": loop_spec({"name": "a", "for_each": "[1, 2, 3]"}, agents=PYTHON),
    }
    for name, spec in shapes.items():
        (folder / f"{name}.yaml").write_text(json.dumps(spec))
    command = [sys.executable, "-c", textwrap.dedent(MANY), "50", *(f"{name}.yaml" for name in shapes)]
    started = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    said = [process.communicate(timeout=200) for process in started]
    assert [process.returncode for process in started] == [0] * 10, [err[-2000:] for _, err in said]
    ends = dict(end for out, _ in said for end in json.loads(out))
    assert len(ends) == 500 and set(ends.values()) == {"goal_met"}
    kernel = Kernel(folder, environ={})

    async def read() -> None:
        async with kernel.storage() as storage:
            rows = await storage.rows()
            assert {row.run_id for row in rows} == ends.keys()
            assert {(row.status, row.turn, row.owner) for row in rows} == {("completed", 3, None)}
            assert await storage.check() == []
        for run_id in ends:
            answers = [
                e.data["output"]["run"] async for e in events_of(kernel, run_id) if e.type == "agent.response"
            ]
            assert answers == [run_id] * 3

    asyncio.run(read())
    doctor = loopengt(folder, "doctor")
    assert doctor.returncode == 0 and "FAIL" not in doctor.stdout.upper(), doctor.stdout


@pytest.mark.parametrize("kind", ["declared", "items"])
async def test_five_thousand_at_the_same_time(tmp_path: Path, kind: str) -> None:
    """A fan-out of five thousand steps, or items, executes each once and is durable whole."""
    declared: list[str | dict[str, Any]] = [f"s{number}" for number in range(WIDTH)]
    each = {"name": "each", "for_each": "context.numbers", "prompt_template": "{item}"}
    steps = declared if kind == "declared" else [each]
    spec = loop_spec(
        *steps,
        agents=PYTHON,
        pattern="parallel_fan_out",
        policy={"max_turns": WIDTH, "max_concurrency": 50},
        context={"numbers": list(range(WIDTH))},
    )
    kernel = make_kernel(project(tmp_path), storage="sqlite")
    result = await run_loop(kernel, spec)
    assert result.end.reason is EndReason.GOAL_MET, result.end
    told: Counter[str] = Counter()
    items = set()
    async for event in events_of(make_kernel(tmp_path, storage="sqlite"), result.run_id):
        told[event.type] += 1
        if event.type == "agent.response":
            items.add(event.data["output"]["step"] if kind == "declared" else event.data["output"]["item"])
    assert told["agent.response"] == told["step.start"] == WIDTH and len(items) == WIDTH
    assert told["step.complete"] == WIDTH + (kind == "items")
    async with kernel.storage() as storage:
        (row,) = await storage.rows()
        assert (row.status, row.turn, row.owner) == ("completed", WIDTH, None)
        assert await storage.check() == []
    if kind == "items":
        assert [int(answer["item"]) for answer in result.output] == list(range(WIDTH))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc, to see how large a process is")
def test_a_hundred_thousand_laps(tmp_path: Path) -> None:
    """The process does not grow with its journal; killed near the end the run goes on, and repeats one lap at most."""
    folder = project(tmp_path)
    with (folder / ".loopengt" / "config.toml").open("a") as config:
        config.write(
            '[plugins.storage_sqlite]\ndurability = "normal"\n'
        )  # a killed process loses nothing by it
    agents = [{"name": "worker", "config": {"provider": "python", "extra": {"function": "agents:lap"}}}]
    goal = [{"condition_type": "goal_met", "value": f"run.turn >= {LAPS}"}]
    limits = {"max_turns": 2 * LAPS}
    spec = loop_spec("lap", agents=agents, pattern="repeat", stop_conditions=goal, policy=limits)
    (folder / "loop.yaml").write_text(json.dumps(spec))
    killed = loopengt(folder, "run", "loop.yaml", "--in-place", "--quiet")
    assert killed.returncode == -9, killed.stderr
    resumed = loopengt(folder, "resume", "latest", "--quiet")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr

    sizes = [tuple(map(int, line.split())) for line in (folder / "size.log").read_text().splitlines()]
    (first, early, _, small), *_, (_, late, _, large) = [entry for entry in sizes if entry[0] == sizes[0][0]]
    assert (early, late) == (EARLY, LAPS - 7)
    assert large - small < GROWTH_MB << 20, (
        f"{(large - small) >> 20} MB more after {late} laps than after {early}"
    )
    again = [entry for entry in sizes if entry[0] != first]
    assert [(lap, calls) for _, lap, calls, _ in again] == [(LAPS - 7, 1), (LAPS, 8)], "laps were repeated"
    assert again[-1][3] - small < 2 * GROWTH_MB << 20, "the resumed process holds the journal"

    async def read() -> tuple[Any, Counter[str], list[int]]:
        kernel = Kernel(folder, environ={})
        told: Counter[str] = Counter()
        laps = []
        async with kernel.storage() as storage:
            (row,) = await storage.rows()
            assert await storage.check() == []
        async for event in events_of(kernel, row.run_id):
            told[event.type] += 1
            if event.type == "step.complete":
                laps.append(event.data["occurrence"])
        return row, told, laps

    row, told, laps = asyncio.run(read())
    assert (row.status, row.reason, row.turn, row.owner) == ("completed", "goal_met", LAPS, None)
    assert laps == list(range(1, LAPS + 1))
    assert told["agent.response"] == LAPS and told["loop.resume"] == 1


def test_of_six_resumes_one_wins(stage: Any, until: Callable[..., None]) -> None:
    """Of six resumes of a run at the same time one drives it to its end; the others say so and execute nothing."""
    script = 'echo "$PPID" >> "$MARKS/begun"; while [ ! -e "$MARKS/go" ]; do sleep 0.02; done; echo {}'
    stage.loop(script, *(f"s{number}" for number in range(5)), pattern="parallel_fan_out")
    first = stage.start("run", "loop.yaml", "--in-place", "--quiet")
    until(lambda: len(stage.marked("begun")) == 4, "four steps have begun")
    stage.kill(first)
    stage.mark("begun").unlink()
    rivals = [stage.start("resume", "latest", "--quiet") for _ in range(6)]
    until(lambda: sum(process.poll() is not None for process in rivals) == 5, "five have given up")
    until(lambda: len(stage.marked("begun")) == 4, "the winner has begun")
    stage.mark("go").touch()
    ends = {process.pid: process.communicate(timeout=60)[1] for process in rivals}
    codes = {process.pid: process.returncode for process in rivals}
    (winner,) = [pid for pid, code in codes.items() if code == 0]
    assert sorted(codes.values()) == [0, 2, 2, 2, 2, 2], ends
    assert set(stage.marked("begun")) == {str(winner)} and len(stage.marked("begun")) == 5
    assert stage.row().status == "completed" and stage.damage() == []


def test_state_after_many_laps_is_the_fold(tmp_path: Path) -> None:
    """What a run reports at its end is what its journal folds to, also after thousands of laps and items."""
    folder = project(tmp_path)
    each = {"name": "each", "for_each": "[1, 2, 3, 4]", "prompt_template": "{item}"}
    goal = [{"condition_type": "goal_met", "value": "run.turn >= 4000"}]
    spec = loop_spec(
        each, "last", agents=PYTHON, pattern="repeat", stop_conditions=goal, policy={"max_turns": 9000}
    )

    async def drive() -> tuple[Any, Fold]:
        from loopengt.journal import load_run

        kernel = make_kernel(folder, storage="sqlite")
        result = await run_loop(kernel, spec)
        async with kernel.storage() as storage:
            return result, (await load_run(storage, result.run_id))[0]

    result, fold = asyncio.run(drive())
    assert result.end.reason is EndReason.GOAL_MET
    ours, theirs = result.snapshot(), fold.snapshot()
    assert ours.model_dump(exclude={"history"}) == theirs.model_dump(exclude={"history"})
    assert theirs.turn == 4000 and len(theirs.history) >= 4000
