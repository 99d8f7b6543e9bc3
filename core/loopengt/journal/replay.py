"""Replays a journal to a pattern: recorded results in recorded order, then the live run.

The pattern asks for keys: a step or a decision, and which occurrence of it. The journal is read as a stream; the next
recorded result is handed to whoever asks for its key, and the state is folded exactly up to it, so a pattern
sees the same state at the same place as the first time. Before a result is handed out, all steps that had begun
by then must have been asked for, so that concurrent branches see the order of the first time, too. What the
journal has no result for waits until the stream has ended; then it is live.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt.errors import ReplayMismatch
from loopengt.journal.records import is_turn
from loopengt_hookspecs.models import Event

if TYPE_CHECKING:
    from loopengt.journal.fold import Fold

__all__ = ["Key", "Replay"]

Key = tuple[str, str, int]
"""``step`` or ``decision``, its name, and its occurrence in the run, from 1."""

_ROUNDS = 200
"""Rounds of the event loop after which a key that nobody asks for is taken as a changed pattern."""

_PATIENCE = 2.0
"""Seconds that a pattern with branches gets on top of that: they may wait for something outside the run."""

_SETTLE = 5
"""Rounds of the event loop that a pattern with branches gets to act on one recorded result."""

_REMEDY = (
    "The pattern has changed since the run began, or decides from something outside the run. "
    "Start a new run, or resume with the version that began it."
)

_STEPS = frozenset({"step.start", "step.complete", "step.error"})
_RESULTS = frozenset({"step.complete", "step.error", "decision"})
_DECIDED = frozenset({"handoff", "checkpoint.save"})
"""Types of events that are results when the pattern decided them: then they have its name under ``decided``."""
_NOT_DECIDED = frozenset({"decided", "payload_blob", "payload_size"})


class Replay:
    """The recorded part of a run, consumed once.

    Args:
        read: Iterates over the journal behind a position, as ``read_events`` does.
        fold: The state to bring forward; empty at first.
    """

    def __init__(self, read: Callable[[int], AsyncIterator[list[Event]]], fold: Fold) -> None:
        self._read = read
        self._fold = fold
        self._batches: AsyncIterator[list[Event]] | None = None
        self._seq = 0
        self._ready: list[Event] = []
        """Events that were read; those from ``_place`` on are still to come."""
        self._place = 0
        self._before: list[Event] = []
        """Events between the last result handed out and the next one; not folded yet."""
        self._next: Event | None = None
        self._next_key: Key | None = None
        self._started: list[Event] = []
        self._begun: set[Key | None] = set()
        """Steps that begin in ``_before``, the next one left out."""
        self._decisions: dict[str, int] = {}
        self._waiting: dict[Key, asyncio.Future[tuple[Any] | None]] = {}
        self._withdrawn: set[Key] = set()
        """Keys that were asked for by branches that were cancelled since."""
        self._root: asyncio.Task[Any] | None = None
        self._only_root = True
        self._pump: asyncio.Task[None] | None = None
        self._reading = asyncio.Lock()
        self._over = False
        self.finished = False
        """Whether all recorded results were handed out; asks are live from then on."""

    async def start(self) -> None:
        """Fold the journal's first event; to be called by the task that calls the pattern."""
        self._root = asyncio.current_task()
        await self._look_ahead()
        if self._before:
            self._fold.apply(self._before.pop(0))

    async def ask(self, key: Key) -> tuple[Any] | None:
        """Return the recorded result of a key in a tuple, or None when it is live.

        The result of a step is its ``StepOutcome``, that of a decision the recorded value.

        Raises:
            ReplayMismatch: The journal holds another key at this place.
        """
        if key == self._next_key and self._is_quiet():
            result = self._apply_next()
            if not self._advance():
                async with self._reading:
                    await self._look_ahead()
            return result
        if self.finished and (not self._begun or key in self._begun):
            self._begun.discard(key)
            return None
        self._only_root = self._only_root and asyncio.current_task() is self._root
        future: asyncio.Future[tuple[Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve(), name="loopengt replay")
        try:
            return await future
        except asyncio.CancelledError:
            self._withdrawn.add(key)
            raise
        finally:
            self._waiting.pop(key, None)

    async def finish(self, *, failed: bool) -> None:
        """The pattern is over: fold the results that are left, which go to nobody.

        Args:
            failed: Whether a step ended it. Then other branches may have come further the first time.

        Raises:
            ReplayMismatch: The journal holds results that the pattern never asked for.
        """
        self._over = True
        async with self._reading:
            await self._look_ahead()
            while self._next_key is not None:
                asked = self._next_key in self._withdrawn or self._next_key in self._waiting
                if not asked and (self._only_root or not failed):
                    held = f"the pattern ends, but the journal goes on with {_name(self._next_key)}"
                    raise ReplayMismatch(held, remedy=_REMEDY)
                self._apply_next()
                await self._look_ahead()

    def go_live(self) -> None:
        """Fold what follows the last result and let all who wait go on; nothing is asked here from now on."""
        self._fold.apply_all(self._before)
        self._before.clear()
        self._over = True
        self._release()

    async def close(self) -> None:
        """Stop serving and reading; branches that still wait are cancelled."""
        self._over = True
        for future in self._waiting.values():
            future.cancel()
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        aclose = getattr(self._batches, "aclose", None)
        if aclose is not None:
            with suppress(RuntimeError):  # a branch is just being cancelled while it reads
                await aclose()

    # -- handing out ------------------------------------------------------------------------------------------

    def _is_quiet(self) -> bool:
        """Whether nobody has to be waited for before the next result is handed out."""
        quiet = not self._waiting and not self._reading.locked()
        return quiet and (not self._begun or self._begun <= self._withdrawn)

    async def _serve(self) -> None:
        """Hand recorded results to those who wait, one by one; let the pattern act on each before the next."""
        try:
            while self._waiting and not self._over:
                for _ in range(_SETTLE):
                    await asyncio.sleep(0)
                async with self._reading:
                    await self._look_ahead()
                    if await self._all_have_asked():
                        self._serve_next()
        except Exception as exc:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(exc)

    def _serve_next(self) -> None:
        if self._next_key is not None:
            future = self._waiting.pop(self._next_key, None)
            result = self._apply_next()
            if future is not None and not future.done():
                future.set_result(result)
            return
        self._release()

    def _release(self) -> None:
        """Tell all who wait that there is no result for them."""
        self._begun.clear()
        while self._waiting:
            future = self._waiting.popitem()[1]
            if not future.done():
                future.set_result(None)

    async def _all_have_asked(self) -> bool:
        """Wait for all who had asked at this place the first time; False when everybody has left."""
        rounds, waited = 0, 0.0
        while (missing := self._missing()) is not None:
            if not self._waiting or self._over:
                return False
            if rounds < _ROUNDS:
                rounds += 1
                await asyncio.sleep(0)
            elif self._only_root or waited > _PATIENCE:
                raise self._mismatch(missing)
            else:
                waited += 0.01
                await asyncio.sleep(0.01)
        return bool(self._waiting)

    def _missing(self) -> Key | None:
        """Return a key that was asked for at this place the first time, and is not now."""
        known = self._waiting.keys() | self._withdrawn
        if self._next_key is None:
            if not self._begun.isdisjoint(self._waiting):
                return None  # one of the steps that were under way is asked for: the run goes live with it
        elif self._next_key not in known:
            return self._next_key
        return next((key for key in self._begun if key not in known), None)

    def _apply_next(self) -> tuple[Any]:
        event = self._next
        assert event is not None
        events = self._before
        events.append(event)
        outcome = self._fold.apply_all(events)
        events.clear()
        if self._begun:
            self._begun.clear()
        self._next = self._next_key = None
        if event.type in _STEPS:
            return (outcome,)
        data = event.data
        if event.type == "decision":
            return (data["value"],)
        return ({key: value for key, value in data.items() if key not in _NOT_DECIDED},)

    # -- reading ------------------------------------------------------------------------------------------------

    async def _look_ahead(self) -> None:
        """Read up to the next result and hold it, or to the journal's end."""
        while not self._advance():
            await self._read_more()

    def _advance(self) -> bool:
        """Go on to the next result in what was read, and hold it; False: more has to be read."""
        if self._next is not None or self.finished:
            return True
        ready, place, started = self._ready, self._place, self._started
        if not started and place + 4 <= len(ready) and is_turn(*ready[place : place + 4]):
            self._before += ready[place : place + 3]
            self._next = event = ready[place + 3]
            self._next_key = ("step", event.step or "", event.data["occurrence"])
            self._place = place + 4
            return True
        while place < len(ready):
            event = ready[place]
            kind = event.type
            place += 1
            if kind in _RESULTS or (kind in _DECIDED and "decided" in event.data):
                self._next, self._place = event, place
                self._next_key = self._key(event)
                # Nearly always it is the start of the very step whose result comes next.
                if started and (len(started) > 1 or started[0].step != event.step):
                    self._note_begun()
                started.clear()
                return True
            self._before.append(event)
            if kind == "step.start":
                started.append(event)
        self._place = place
        return False

    def _note_begun(self) -> None:
        self._begun.update(map(self._key, self._started))
        self._begun.discard(self._next_key)

    async def _read_more(self) -> None:
        del self._ready[: self._place]
        self._place = 0
        if self._batches is None:
            self._batches = self._read(self._seq)
        try:
            events = await anext(self._batches, None)
        except asyncio.CancelledError:
            self._batches = None  # an iterator that was cancelled yields no more: begin again behind
            raise
        if events is not None:
            self._seq = events[-1].seq
            self._ready += events
        if not self._ready:
            self.finished = True
            self._note_begun()
            self._started.clear()

    def _key(self, event: Event) -> Key:
        if event.type in _STEPS:
            return ("step", event.step or "", event.data["occurrence"])
        name = event.data["name" if event.type == "decision" else "decided"]
        self._decisions[name] = count = self._decisions.get(name, 0) + 1
        return ("decision", name, count)

    def _mismatch(self, missing: Key) -> ReplayMismatch:
        asked = next(iter(self._waiting))
        return ReplayMismatch(
            f"the pattern asks for {_name(asked)}, but the journal holds {_name(missing)} at this place",
            remedy=_REMEDY,
        )


def _name(key: Key) -> str:
    kind, name, occurrence = key
    return f"{kind} {name!r} (occurrence {occurrence})"
