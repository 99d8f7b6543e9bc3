"""Replays a journal to a pattern: recorded results in recorded order, then the live run.

The pattern asks for keys (step name and occurrence). The journal is read as a stream; the next recorded
completion is handed to whoever asks for its key, and the state is folded exactly up to it, so a pattern sees the same
state at the same place as the first time. Asks that the journal has no completion for wait until the
stream has ended; then they are live.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from loopengt.errors import ReplayMismatch
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from loopengt.journal.fold import Fold
    from loopengt_hookspecs.patterns import StepOutcome

__all__ = ["Key", "Replay"]

Key = tuple[str, int]
"""Name of a step and its occurrence in the run, from 1."""

_PATIENCE = 200
"""Rounds of the event loop after which a key that nobody asks for is taken as a changed pattern."""

_SETTLE = 5
"""Rounds of the event loop that a pattern with concurrent steps gets to act on one recorded outcome."""

_REMEDY = (
    "The pattern has changed since the run began, or decides from something outside the run. "
    "Start a new run, or resume with the version that began it."
)

_COMPLETIONS = frozenset({"step.complete", "step.error"})


class Replay:
    """The recorded part of a run, consumed once.

    Args:
        batches: The journal, as ``read_events`` yields it.
        fold: The state to bring forward; empty at first.
    """

    def __init__(self, batches: AsyncIterator[list[Event]], fold: Fold) -> None:
        self._batches = batches
        self._fold = fold
        self._ready: list[Event] = []
        self._next: Event | None = None
        self._waiting: dict[Key, tuple[int, asyncio.Future[StepOutcome | None]]] = {}
        self._asked: dict[int, Key] = {}
        self._pump: asyncio.Task[None] | None = None
        self.finished = False
        """Whether all recorded completions were handed out; asks are live from then on."""

    async def start(self) -> None:
        """Fold what precedes the first recorded completion."""
        await self._advance()

    async def ask(self, key: Key, turn: int) -> StepOutcome | None:
        """Return the recorded outcome of a key, or None when the pattern has to execute it.

        Args:
            key: What the pattern asks for.
            turn: Which ask of the pattern this is, from 1.

        Raises:
            ReplayMismatch: The journal holds another key at this turn, or one that nobody asks for.
        """
        if self.finished:
            return None
        self._asked[turn] = key
        upcoming = self._next
        if upcoming is not None and not self._waiting and _key(upcoming) == key and upcoming.data["turn"] == turn:
            return await self._deliver(upcoming, key)
        future: asyncio.Future[StepOutcome | None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = (turn, future)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._hand_out(), name="loopengt replay")
        return await future

    def left_over(self) -> ReplayMismatch:
        """Make the error for a pattern that returned before it asked for everything recorded."""
        upcoming = self._next
        assert upcoming is not None
        return ReplayMismatch(
            f"the pattern ends, but the journal goes on with step {_name(_key(upcoming))}", remedy=_REMEDY
        )

    async def _hand_out(self) -> None:
        """Hand recorded outcomes to those who wait, one by one; let the pattern act on each before the next."""
        try:
            while not self.finished and self._waiting:
                waiter = await self._awaited()
                if waiter is None:
                    return
                key, future = waiter
                upcoming = self._next
                assert upcoming is not None
                outcome = await self._deliver(upcoming, key)
                if not future.done():
                    future.set_result(outcome)
                for _ in range(_SETTLE):
                    await asyncio.sleep(0)
        except Exception as exc:
            self._fail(exc)
        else:
            if self.finished:
                for _turn, future in self._waiting.values():
                    if not future.done():
                        future.set_result(None)
                self._waiting.clear()

    async def _awaited(self) -> tuple[Key, asyncio.Future[StepOutcome | None]] | None:
        """Wait until somebody asks for the next completion; None when everybody has left."""
        upcoming = self._next
        assert upcoming is not None
        key, turn = _key(upcoming), upcoming.data["turn"]
        for _ in range(_PATIENCE):
            asked = self._asked.get(turn)
            if asked is not None and asked != key:
                raise self._mismatch(asked, turn)
            if key in self._waiting:
                return key, self._waiting.pop(key)[1]
            if not self._waiting:
                return None
            await asyncio.sleep(0)
        key, (turn, _future) = next(iter(self._waiting.items()))
        raise self._mismatch(key, turn)

    def _fail(self, exc: Exception) -> None:
        for _turn, future in self._waiting.values():
            if not future.done():
                future.set_exception(exc)
        self._waiting.clear()

    async def _deliver(self, completion: Event, key: Key) -> StepOutcome:
        outcome = self._fold.apply(completion)
        assert outcome is not None
        self._asked.pop(completion.data["turn"], None)
        self._next = None
        await self._advance()
        return outcome

    async def _advance(self) -> None:
        """Fold up to the next completion and hold it, or to the journal's end."""
        while True:
            while self._ready:
                event = self._ready.pop()
                if event.type in _COMPLETIONS:
                    self._next = event
                    return
                self._fold.apply(event)
            batch = await anext(self._batches, None)
            if batch is None:
                self.finished = True
                return
            batch.reverse()
            self._ready = batch

    def _mismatch(self, asked: Key, turn: int) -> ReplayMismatch:
        upcoming = self._next
        held = f"step {_name(_key(upcoming))} at turn {upcoming.data['turn']}" if upcoming is not None else "its end"
        return ReplayMismatch(
            f"the pattern asks for step {_name(asked)} at turn {turn}, but the journal holds {held}",
            remedy=_REMEDY,
        )


def _key(event: Event) -> Key:
    return (event.step or "", event.data["occurrence"])


def _name(key: Key) -> str:
    return f"{key[0]!r} (occurrence {key[1]})"
