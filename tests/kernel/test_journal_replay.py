"""The replay itself: who is handed what, and when, while the journal is still being read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import ReplayMismatch, StorageCorrupt
from loopengt.journal import Fold, Key, Replay
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def key(name: str, occurrence: int = 1) -> Key:
    """The key of a step."""
    return ("step", name, occurrence)


class Reading:
    """A journal of steps, each executed once and in a batch of its own, that is read with pauses."""

    def __init__(self, *steps: str, open_steps: tuple[str, ...] = ()) -> None:
        self.opened = 0
        self.pause = asyncio.Event()
        self.pause.set()
        self.batches = [
            [Event(1, "loop.start", 1.0, None, {"run_id": "r", "loop": "d", "steps": list(steps)})]
        ]
        for turn, step in enumerate(steps, 1):
            place = {"turn": turn, "occurrence": 1, "attempt": 1}
            seq = 3 * turn - 1
            started = Event(seq, "step.start", float(seq), step, {**place, "agent": "w"})
            answered = Event(seq + 1, "agent.response", float(seq + 1), step, {"output": step})
            batch = [started, answered]
            if step not in open_steps:
                batch.append(Event(seq + 2, "step.complete", float(seq + 2), step, place))
            self.batches.append(batch)

    async def read(self, after: int) -> AsyncIterator[list[Event]]:
        """Yield the batches behind a position."""
        self.opened += 1
        for batch in self.batches:
            if batch[-1].seq > after:
                await asyncio.sleep(0)
                await self.pause.wait()
                yield list(batch)

    async def replay(self) -> Replay:
        """A replay that has started."""
        replay = Replay(self.read, Fold())
        await replay.start()
        return replay


async def outputs(replay: Replay, *steps: str) -> list[Any]:
    """Ask for steps in turn; None for what is live."""
    found = []
    for step in steps:
        recorded = await replay.ask(key(step))
        found.append(recorded[0].output if recorded is not None else None)
    return found


async def test_recorded_results_are_handed_out_in_turn_then_the_run_is_live() -> None:
    """Each ask returns what was recorded, and None behind the journal's end."""
    replay = await Reading("a", "b", "c").replay()
    assert await outputs(replay, "a", "b", "c", "d", "a") == ["a", "b", "c", None, None]
    assert replay.finished


async def test_the_state_stands_exactly_at_the_result() -> None:
    """What follows a result in the journal is folded when the next one is handed out, and not before."""
    fold = Fold()
    replay = Replay(Reading("a", "b").read, fold)
    await replay.start()
    assert fold.seq == 1
    await replay.ask(key("a"))
    assert fold.seq == 4
    await replay.ask(key("b"))
    assert fold.seq == 7


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]])
async def test_branches_get_their_results_in_the_order_of_the_journal(order: list[str]) -> None:
    """Whoever asks first: the recorded order decides, and each branch acts before the next result comes."""
    reading = Reading("a", "b", "c")
    fold = Fold()
    replay = Replay(reading.read, fold)
    await replay.start()
    seen: list[tuple[str, int]] = []

    async def branch(name: str) -> None:
        await replay.ask(key(name))
        seen.append((name, fold.seq))

    await asyncio.gather(*(branch(name) for name in order))
    assert seen == [("a", 4), ("b", 7), ("c", 10)]


async def test_branches_that_ask_while_the_journal_is_read_wait() -> None:
    """An ask that comes while another reads on is neither lost nor an error."""
    reading = Reading("a", "b", "c")
    replay = await reading.replay()
    reading.pause.clear()
    first = asyncio.create_task(replay.ask(key("a")))
    await asyncio.sleep(0)
    others = [asyncio.create_task(replay.ask(key(name))) for name in ("c", "b", "new")]
    for _ in range(20):
        await asyncio.sleep(0)
    assert not any(task.done() for task in others)
    reading.pause.set()
    recorded = [await task for task in (first, *others)]
    assert [each[0].output if each else None for each in recorded] == ["a", "c", "b", None]


async def test_a_branch_that_is_cancelled_while_it_reads_breaks_nothing() -> None:
    """Reading begins again where it was; the other branches get their results, and the journal is read whole."""
    reading = Reading("a", "b", "c")
    replay = await reading.replay()
    reading.pause.clear()
    first = asyncio.create_task(replay.ask(key("a")))
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    reading.pause.set()
    assert await outputs(replay, "b", "c", "d") == ["b", "c", None]
    assert reading.opened == 2


async def test_the_result_of_a_branch_that_left_goes_to_nobody() -> None:
    """A branch that asked and was cancelled is passed over when its result's turn comes."""
    replay = await Reading("a", "b").replay()
    left = asyncio.create_task(replay.ask(key("b")))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    assert await outputs(replay, "a") == ["a"]
    await replay.finish(failed=False)
    assert replay.finished


async def test_a_step_that_was_under_way_is_live_when_it_is_asked_for() -> None:
    """What had begun and not ended is executed; another step in its place is a mismatch."""
    replay = await Reading("a", "b", open_steps=("b",)).replay()
    assert await outputs(replay, "a", "b") == ["a", None]
    replay = await Reading("a", "b", open_steps=("b",)).replay()
    assert await outputs(replay, "a") == ["a"]
    with pytest.raises(ReplayMismatch, match=r"asks for step 'c' .* holds step 'b'"):
        await replay.ask(key("c"))


@pytest.mark.slow
async def test_all_branches_are_told_of_a_mismatch() -> None:
    """When no branch asks for the next result, every one that waits gets the error."""
    replay = await Reading("a", "b").replay()
    waiting = [asyncio.create_task(replay.ask(key(name))) for name in ("x", "y")]
    async with asyncio.timeout(10):
        found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in found] == [ReplayMismatch] * 2


async def test_going_live_releases_those_who_wait() -> None:
    """Branches whose steps are not recorded go on once the run is live, whoever was first."""
    reading = Reading("a", "b", "c", open_steps=("b", "c"))
    fold = Fold()
    replay = Replay(reading.read, fold)
    await replay.start()
    new = asyncio.create_task(replay.ask(key("new")))
    await asyncio.sleep(0)
    assert await outputs(replay, "a", "b") == ["a", None]
    replay.go_live()
    async with asyncio.timeout(1):
        assert await new is None
    assert fold.seq == 9
    assert fold.open.keys() == {"b", "c"}


async def test_closing_ends_those_who_wait() -> None:
    """A replay that is closed leaves nobody waiting, and can be closed twice."""
    replay = await Reading("a").replay()
    waiting = asyncio.create_task(replay.ask(key("b")))
    await asyncio.sleep(0)
    await replay.close()
    await replay.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_damage_is_told_to_whoever_asks() -> None:
    """A journal that cannot be read further is an error for the asker, alone or among others."""

    async def damaged(after: int) -> AsyncIterator[list[Event]]:
        for batch in Reading("a", "b").batches[:2]:
            if batch[-1].seq > after:
                yield batch
        raise StorageCorrupt("garbage")

    for names in (["a"], ["a", "b"]):
        replay = Replay(damaged, Fold())
        await replay.start()
        found = await asyncio.gather(*(replay.ask(key(name)) for name in names), return_exceptions=True)
        assert StorageCorrupt in {type(each) for each in found}
