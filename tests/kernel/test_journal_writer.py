"""The pen of a run: what is noted rides along, what is committed is durable, and the state keeps the order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import LeaseLost, StorageError
from loopengt.journal import Fold, Journal, load_run
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import Lease, RunRow
from loopengt_storage_memory.storage import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.models import Event

STEPS = ["a", "b", "c"]


class Gated:
    """A storage whose appends are done at once, and whose callers wake when the test says so."""

    def __init__(self) -> None:
        self.inner = MemoryStorage()
        self.waiting: list[asyncio.Future[None]] = []
        self.before = False
        """Whether callers wait before their append is done, too."""
        self.failing: Exception | None = None

    async def append(self, *args: Any, **kwargs: Any) -> None:
        """Append and wait."""
        if self.before:
            await self._wait()
        if self.failing is not None:
            raise self.failing
        await self.inner.append(*args, **kwargs)
        await self._wait()

    async def _wait(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        await future

    def wake(self, index: int) -> None:
        """Let a caller go on."""
        self.waiting[index].set_result(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


async def begun(storage: Any, publish: Callable[[Event], None] | None = None) -> Journal:
    """A journal of a run that has just begun."""
    journal = Journal(storage, Fold(), publish=publish)
    journal.note("loop.start", None, {"run_id": "r", "loop": "demo", "steps": STEPS})
    await journal.create(RunRow("r", "demo", "running"), current_owner(), 60.0)
    return journal


def execute(journal: Journal, step: str) -> None:
    """Note a whole execution of a step."""
    place = {"turn": STEPS.index(step) + 1, "occurrence": 1, "attempt": 1}
    journal.note("step.start", step, {**place, "agent": "w"})
    journal.note("agent.response", step, {"attempt": 1, "output": step})
    journal.note("step.complete", step, place)


async def durable(storage: Any) -> list[str]:
    """What the journal holds, as step and type."""
    return [f"{event.step} {event.type}" for event in (await load_run(storage, "r"))[1][1:]]


def whole(*steps: str) -> list[str]:
    """What the executions of steps leave in the journal."""
    return [f"{step} {kind}" for step in steps for kind in ("step.start", "agent.response", "step.complete")]


async def test_what_is_noted_is_not_yet_true() -> None:
    """Events count when their append is durable; one append carries all that was noted before."""
    storage = Gated()
    journal = await begun(storage)
    execute(journal, "a")
    assert await durable(storage) == []
    commit = asyncio.create_task(journal.commit())
    await asyncio.sleep(0)
    assert journal.fold.steps == {}
    storage.wake(0)
    outcome = await commit
    assert outcome is not None
    assert (outcome.step, outcome.output) == ("a", "a")
    assert await durable(storage) == whole("a")
    assert await journal.commit() is None
    assert len(storage.waiting) == 1, "nothing to write is not written"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]])
async def test_the_state_keeps_the_journals_order_whoever_wakes_first(order: list[int]) -> None:
    """Callers whose appends come back in another order get their own outcomes, folded in the journal's order."""
    storage = Gated()
    seen: list[str] = []
    journal = await begun(storage, lambda event: seen.append(f"{event.step} {event.type}"))

    async def take(step: str) -> str:
        execute(journal, step)
        outcome = await journal.commit()
        assert outcome is not None
        assert journal.fold.last_output == step, "the state stands at the event of whoever looks"
        return outcome.step

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(step)) for step in STEPS]
        await asyncio.sleep(0)
        for index in order:
            storage.wake(index)
            await asyncio.sleep(0)
    assert [task.result() for task in tasks] == STEPS
    assert journal.fold.last_output == "c"
    completions = [name for name in seen if name.endswith("complete")]
    assert completions == [f"{step} step.complete" for step in STEPS]


@pytest.mark.parametrize("before", [True, False], ids=["before it was done", "after it was done"])
@pytest.mark.parametrize("others", [0, 1, 2])
async def test_an_append_that_is_cancelled_is_done_exactly_once(before: bool, others: int) -> None:
    """Cancelled while under way, the events are durable and folded all the same; those behind are not disturbed."""
    storage = Gated()
    journal = await begun(storage)
    storage.before = before and not others
    execute(journal, "a")
    cancelled = asyncio.create_task(journal.commit())
    await asyncio.sleep(0)
    rest = []
    for step in STEPS[1 : 1 + others]:
        execute(journal, step)
        rest.append(asyncio.create_task(journal.commit()))
        await asyncio.sleep(0)
    cancelled.cancel()
    storage.before = False
    for _ in range(5):
        await asyncio.sleep(0)
        for future in storage.waiting:
            if not future.done():
                future.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    for task in rest:
        await task
    steps = STEPS[: 1 + others]
    assert await durable(storage) == whole(*steps)
    assert journal.fold.last_output == steps[-1]
    execute(journal, "c") if others < 2 else journal.note("custom", None, {})
    last = asyncio.create_task(journal.commit())
    await asyncio.sleep(0)
    storage.wake(-1)
    await last


async def test_a_failed_append_fails_those_behind_it() -> None:
    """Nobody waits for ever for events that will never be written."""
    storage = Gated()
    journal = await begun(storage)
    storage.before = True
    execute(journal, "a")
    first = asyncio.create_task(journal.commit())
    await asyncio.sleep(0)
    storage.failing = StorageError("no space left")
    storage.wake(0)
    with pytest.raises(StorageError, match="no space left"):
        await first
    storage.failing, storage.before = None, False
    execute(journal, "b")
    with pytest.raises(LeaseLost, match="stands at 1"):
        await journal.commit()
    assert await durable(storage) == []


async def test_a_journal_that_moved_on_is_not_written() -> None:
    """An append under a lease that was taken over is refused, also when it was cancelled on the way."""
    storage = Gated()
    journal = await begun(storage)
    storage.before = True
    execute(journal, "a")
    commit = asyncio.create_task(journal.commit())
    await asyncio.sleep(0)
    await storage.release(Lease("r", 1))
    await storage.claim("r", current_owner(), 60.0)
    commit.cancel()
    await asyncio.sleep(0)
    storage.wake(-1)
    with pytest.raises(LeaseLost):
        await commit
    assert await durable(storage) == []


async def test_results_are_published_when_they_are_durable_and_starts_at_once() -> None:
    """Publication keeps the order: what may be shown early waits behind what may not."""
    storage = Gated()
    seen: list[str] = []
    journal = await begun(storage, lambda event: seen.append(event.type))
    assert seen == ["loop.start"]
    execute(journal, "a")
    assert seen[1:] == ["step.start"]
    journal.note("step.start", "b", {"turn": 2, "occurrence": 1, "attempt": 1, "agent": "w"})
    assert seen[1:] == ["step.start"]
    commit = asyncio.create_task(journal.commit())
    await asyncio.sleep(0)
    assert seen[1:] == ["step.start"]
    storage.wake(0)
    await commit
    assert seen[1:] == ["step.start", "agent.response", "step.complete", "step.start"]


async def test_the_clock_is_the_journals_own() -> None:
    """Times come from the clock that is given; one that is set back does not turn the run's time back."""
    times = iter([10.0, 20.0, 15.0, 16.0, 17.0])
    journal = Journal(MemoryStorage(), Fold(), clock=lambda: next(times))
    journal.note("loop.start", None, {"run_id": "r", "loop": "demo", "steps": STEPS})
    await journal.create(RunRow("r", "demo", "running"), current_owner(), 60.0)
    journal.note("custom", None, {})
    await journal.commit()
    execute(journal, "a")
    await journal.commit()
    assert journal.fold.at == 20.0
    assert journal.fold.elapsed == 10.0
