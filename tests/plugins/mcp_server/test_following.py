"""What is kept of runs between calls: always as the journal is, whoever writes it, and fast in a long one."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.finding import exact_run
from loopengt.journal import Fold, Journal, Tracer, read_events
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow
from loopengt_mcp.server import following
from loopengt_mcp.server.following import Following

from .kit import Bench

if TYPE_CHECKING:
    from loopengt_hookspecs.storage import Storage

STEPS = ("a", "b", "c")


def note_anything(journal: Journal, dice: random.Random, count: int, opened: set[str]) -> None:
    """Note events of steps that run beside each other or are passed over, and tell outputs of any size."""
    for number in range(count):
        step = dice.choice(STEPS)
        head = {"turn": number, "attempt": 1, "occurrence": number}
        can = ("invoke", "response", "huge", "gate", "tool", "memory", "complete")
        kind = dice.choice(can if step in opened else ("start", "start", "skip", "memory"))
        if kind == "start":
            opened.add(step)
            journal.note("step.start", step, head | {"agent": f"agent-{number}"})
        elif kind == "skip":
            journal.note("step.complete", step, head | {"skipped": True, "reason": "no need"})
        elif kind == "invoke":
            journal.note("agent.invoke", step, {"prompt": f"do {number}", "model": f"m{number}"})
        elif kind in ("response", "huge"):
            output = f"out {number} " * (9_000 if kind == "huge" else 1)
            journal.note("agent.response", step, {"output": output, "duration": 0.1})
        elif kind == "tool":
            journal.note("tool.offer", step, {"tools": []})
        elif kind == "memory":
            journal.note("memory.write", step, {"content": f"note {number}"})
        elif kind == "gate":
            journal.note("gate.fail", step, {"gate": "g", "feedback": "no"})
        else:
            opened.discard(step)
            journal.note("step.complete", step, head | {"duration": 0.1})


class Written:
    """A run that a test writes, event by event, as another process would."""

    def __init__(self, storage: Storage, run_id: str) -> None:
        self.journal = Journal(storage, Fold(history=False))
        self.row = RunRow(run_id, "any", "running", started_at=time.time())
        self._opened: set[str] = set()

    async def begin(self, goal: str = "g") -> None:
        """Create it."""
        header = {"run_id": self.row.run_id, "loop": "any", "pattern": "p", "goal": goal, "steps": [*STEPS]}
        self.journal.note("loop.start", None, header | {"context": {}})
        await self.journal.create(self.row, current_owner(), 60)

    async def go_on(self, dice: random.Random, count: int) -> None:
        """Add some events."""
        note_anything(self.journal, dice, count, self._opened)
        await self.journal.commit()

    async def end(self) -> None:
        """End it."""
        self.journal.note("loop.complete", None, {"reason": "goal_met", "detail": "done"})
        self.row.status, self.row.completed_at = "completed", time.time()
        await self.journal.commit(self.row, release=True)


async def truth(storage: Storage, run_id: str) -> list[dict[str, Any]]:
    """Convert a whole journal from its beginning."""
    tracer, found = Tracer(run_id), []
    async for events in read_events(storage, run_id):
        found += [event.model_dump(mode="json") for event in tracer.convert_all(events)]
    return found


KEYS = ("event_id", "event_type", "timestamp", "step_name", "turn", "agent_name", "parent_event_id", "model")


def facts(event: dict[str, Any]) -> tuple[Any, ...]:
    """Return of an event what depends on others, and the beginning of its output."""
    return *(event.get(key) or None for key in KEYS), str(event.get("output") or "")[:400]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_page_is_what_the_whole_journal_would_show(bench: Bench, seed: int) -> None:
    """From any place on, of any steps and types, events belong to the same steps, turns, agents, models and outputs."""
    dice = random.Random(seed)
    bench.storage = "sqlite"
    async with bench.kernel.storage() as storage, bench.client() as call:
        run = Written(storage, "any-run")
        await run.begin()
        for _ in range(12):
            await run.go_on(dice, dice.randint(1, 60))
        await run.end()
        whole = [facts(event) for event in await truth(storage, "any-run")]
        for _ in range(25):
            after, limit = dice.randrange(len(whole)), dice.choice([1, 3, 200])
            step, types = (
                dice.choice(["", *STEPS, "none"]),
                dice.choice([[], ["step"], ["gate.fail", "agent"], ["x"]]),
            )
            page = (
                await call(
                    "inspect_trace",
                    run_id="any-run",
                    cursor=str(after),
                    limit=limit,
                    step=step,
                    types=types or None,
                )
            ).data
            wanted = [
                each
                for each in whole[after:]
                if (not step or each[3] == step)
                and (not types or each[1] in types or each[1].partition(".")[0] in types)
            ]
            shown = [facts(event) for event in page["events"]]
            assert shown == wanted[: len(shown)]
            assert page["more"] is (len(shown) < len(wanted))
            assert len(shown) == min(limit, len(wanted)) or page["more"]


@pytest.mark.parametrize("storage_name", ["memory", "sqlite", "jsonl"])
async def test_what_another_process_adds_is_seen(bench: Bench, storage_name: str) -> None:
    """Between two calls the journal grows; each call tells all that is there, and the figures count it."""
    dice = random.Random(3)
    bench.storage = storage_name
    async with bench.kernel.storage() as storage, bench.client() as call:
        run = Written(storage, "any-run")
        await run.begin()
        seen: list[str] = []
        cursor = ""
        for _ in range(6):
            await run.go_on(dice, 7)
            page = (await call("inspect_trace", run_id="any-run", cursor=cursor)).data
            seen += [event["event_id"] for event in page["events"]]
            cursor = page["next_cursor"]
            figures = (await call("evaluate_run", run_id="any-run")).data
            fails = [event async for some in read_events(storage, "any-run") for event in some]
            assert figures["gates_failed"] == sum(event.type == "gate.fail" for event in fails)
        await run.end()
        last = (await call("inspect_trace", run_id="any-run", cursor=cursor)).data
        seen += [event["event_id"] for event in last["events"]]
        assert last["next_cursor"] is None
        assert seen == [f"any-run:{seq}" for seq in range(1, 45)]


@pytest.mark.parametrize("events", [3, 40, 90])
async def test_a_run_in_another_s_place_is_not_taken_for_it(bench: Bench, events: int) -> None:
    """A run is deleted, and a shorter, equally long or longer one of its id comes: nothing of the old one is told."""
    bench.storage = "sqlite"
    async with bench.kernel.storage() as storage, bench.client() as call:
        run = Written(storage, "any-run")
        await run.begin()
        await run.go_on(random.Random(4), 40)
        await run.end()
        old = (await call("inspect_trace", run_id="any-run", limit=1_000)).data["events"]
        row = await exact_run(storage, "any-run")
        assert row is not None
        await storage.delete(await storage.claim("any-run", current_owner(), 60))
        assert "there is no run" in (await call("run_status", run_id="any-run")).error
        again = Written(storage, "any-run")
        await again.begin("another")
        await again.go_on(random.Random(5), events)
        await again.end()
        new = (await call("inspect_trace", run_id="any-run", limit=1_000)).data["events"]
        assert [facts(event) for event in new] == [facts(event) for event in await truth(storage, "any-run")]
        assert new != old
        figures = (await call("evaluate_run", run_id="any-run")).data
        assert figures["gates_failed"] == sum(event["event_type"] == "gate.fail" for event in new)
        later = (await call("inspect_trace", run_id="any-run", cursor="2", step="a")).data["events"]
        assert [facts(event) for event in later] == [
            each for each in [facts(event) for event in await truth(storage, "any-run")][2:] if each[3] == "a"
        ]
        assert (await call("run_status", run_id="any-run")).data["status"] == "completed"


async def test_many_runs_do_not_fill_the_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the runs that were asked for last are kept, by their number and by their events; others are read anew."""
    monkeypatch.setattr(following, "_MOST_EVENTS", 100)
    monkeypatch.setattr(following, "_MOST_RUNS", 4)
    async with bench.kernel.storage() as storage:
        known = Following()
        for number in range(8):
            run = Written(storage, f"run-{number}")
            await run.begin()
            await run.go_on(random.Random(number), 10 if number < 6 else 95)
            await run.end()
            await known.follow(storage, run.row.run_id)
            assert len(known) == min(number + 1, 4) if number < 6 else len(known) < 4
        assert len(known) == 1
        assert len((await known.follow(storage, "run-0")).index) == 12


async def test_calls_at_the_same_time_read_a_run_once(bench: Bench) -> None:
    """Ten calls share what one of them has read, and none of them sees events twice."""
    async with bench.kernel.storage() as storage:
        run = Written(storage, "any-run")
        await run.begin()
        await run.go_on(random.Random(6), 50)
        known = Following()
        found = await asyncio.gather(*(known.follow(storage, "any-run") for _ in range(10)))
        assert {id(each) for each in found} == {id(found[0])}
        assert (len(found[0].index), sum(found[0].counts.values()), found[0].fold.seq) == (51, 51, 51)
