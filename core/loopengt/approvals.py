"""Answers to what runs ask people: made, timed, and written into the journal from any process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from loopengt.errors import RunNotFound, RunOwned, StorageError, UsageError
from loopengt.journal import Fold, Journal, clean_text, read_events
from loopengt.ownership import current_owner, describe
from loopengt_hookspecs.models import RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.storage import Storage

__all__ = ["SIGNAL", "Answer", "Answered", "answer_by_timeout", "decide", "read_questions", "seconds_left"]

SIGNAL = "approval"
"""Type of the signal that brings an answer to the process that drives the run."""

_TIMEOUT = "timeout"
_LEASE_SECONDS = 10.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says to a question."""

    approved: bool
    by: str
    """Who says so, such as ``ann@build-7``; ``timeout``: nobody did in time."""
    comment: str = ""
    mark: str = field(default_factory=lambda: uuid4().hex)
    """Tells this answer from the same one given by somebody else."""

    def data(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Make the data of the ``approval.decision`` event that answers a question."""
        told = ("id", "kind", "step", "gate", "tool", "run", "asks")
        facts = {key: question[key] for key in told if key in question}
        return {
            **facts,
            "decision": "approved" if self.approved else "rejected",
            "by": clean_text(self.by),
            "comment": clean_text(self.comment),
            "at": time(),
            "mark": self.mark,
        }

    def signal(self, question_id: str) -> dict[str, Any]:
        """Make the signal that brings this answer to whoever drives the run."""
        told = {"approved": self.approved, "by": self.by, "comment": self.comment, "mark": self.mark}
        return {"type": SIGNAL, "id": question_id, **told}

    @classmethod
    def of_signal(cls, signal: Mapping[str, Any]) -> Answer | None:
        """Read a signal; None when it does not say plainly whether it approves."""
        approved, comment = signal.get("approved"), signal.get("comment")
        if not isinstance(approved, bool):
            return None
        by, mark = str(signal.get("by") or "unknown"), str(signal.get("mark") or "")
        return cls(approved, by, str(comment or ""), mark)


@dataclass(frozen=True, slots=True)
class Answered:
    """What stands in the journal."""

    decision: Mapping[str, Any]
    """Data of the ``approval.decision`` event."""
    ours: bool
    """Whether it is the answer that was given; False: another one was quicker."""
    driven_by: str = ""
    """The process that drives the run and goes on with it, in words; empty: nobody does."""


def seconds_left(question: Mapping[str, Any], now: float) -> float | None:
    """Return for how many seconds from now an answer is waited for; None: for ever.

    It is never more than the question's whole time, whatever has happened to the clock since it was asked.
    """
    expires_at, whole = question.get("expires_at"), question.get("timeout_seconds")
    if expires_at is None or whole is None:
        return None
    return min(max(0.0, float(expires_at) - now), float(whole))


def answer_by_timeout(question: Mapping[str, Any], now: float) -> Answer | None:
    """Return what counts as the answer when nobody has given one in time; None: there is time left."""
    left = seconds_left(question, now)
    if left is None or left > 0:
        return None
    whole = float(question["timeout_seconds"])
    return Answer(
        question.get("on_timeout") == "approve", _TIMEOUT, f"nobody answered within {whole:g} seconds"
    )


async def read_questions(storage: Storage, run_id: str) -> Fold:
    """Fold a run as far as it takes to see what it asks (``questions``) and what was answered (``decisions``).

    Raises:
        RunNotFound: There is no such run.
    """
    fold = Fold(history=False)
    async for events in read_events(storage, run_id, blobs=False):
        fold.apply_all(events)
    return fold


async def decide(
    storage: Storage, run_id: str, question_id: str, answer: Answer, *, patience: float = 10.0
) -> Answered:
    """Answer a question of a run; returns when an answer, ours or a quicker one, is durable in its journal.

    A run that nobody drives is written to directly; else the answer is sent to the process that drives it. What a
    child run asks is answered in its own journal first, then in those of its parents up to ``run_id``. When the time
    for an answer is over, the timeout's answer is written in place of the given one.

    Args:
        storage: Where the run is kept.
        run_id: The run.
        question_id: Id of one of its open questions.
        answer: What to say.
        patience: Seconds to wait for the process that drives the run.

    Raises:
        RunNotFound: There is no such run.
        UsageError: It does not ask that, it has ended, or the process that drives it does not take the answer.
    """
    fold = await read_questions(storage, run_id)
    child = fold.questions.get(question_id, {}).get("run")
    if isinstance(child, str) and child != run_id:
        with suppress(RunNotFound):  # what a child asked that is gone cannot matter to it any more
            below = await decide(storage, child, question_id, answer, patience=patience)
            answer = _again(below.decision)
            answered = await _Deciding(storage, run_id, question_id, answer, patience).decide()
            return Answered(below.decision, below.ours, answered.driven_by)
    return await _Deciding(storage, run_id, question_id, answer, patience).decide()


def _again(decision: Mapping[str, Any]) -> Answer:
    approved = decision.get("decision") == "approved"
    return Answer(approved, str(decision["by"]), str(decision["comment"]), str(decision.get("mark", "")))


class _Deciding:
    """One answer on its way into the journal of one run."""

    def __init__(
        self, storage: Storage, run_id: str, question_id: str, answer: Answer, patience: float
    ) -> None:
        self._storage = storage
        self._run_id = run_id
        self._question_id = question_id
        self._answer = answer
        self._until = monotonic() + patience
        self._fold = Fold(history=False)
        self._sent = False

    async def decide(self) -> Answered:
        driven_by = ""
        while True:
            await self._read_on()
            decision = self._fold.decisions.get(self._question_id)
            if decision is not None:
                return Answered(decision, decision.get("mark") == self._answer.mark, driven_by)
            self._check_asked()
            try:
                await self._write()
                driven_by = ""
            except RunOwned:
                driven_by = await self._send()
                await asyncio.sleep(_POLL_SECONDS)

    async def _read_on(self) -> None:
        async for events in read_events(self._storage, self._run_id, after=self._fold.seq, blobs=False):
            self._fold.apply_all(events)
            if any(event.type == "loop.resume" for event in events):
                self._sent = False  # a signal reaches only whoever drives the run when it comes

    def _check_asked(self) -> None:
        fold = self._fold
        if fold.end is not None and fold.status is not RunStatus.PAUSED:
            raise UsageError(f"run {self._run_id} has ended already: {fold.end.reason.value}")
        if self._question_id not in fold.questions:
            raise UsageError(
                f"run {self._run_id} does not ask {self._question_id!r} any more",
                remedy=f"See what it does: loopengt trace {self._run_id}",
            )

    async def _write(self) -> None:
        """Claim the run, write the answer and let it go again.

        Raises:
            RunOwned: A living process drives it.
        """
        lease = await self._storage.claim(self._run_id, current_owner(), _LEASE_SECONDS)
        try:
            await self._read_on()  # what was written before the claim
            fold, question = self._fold, self._fold.questions.get(self._question_id)
            if question is not None and fold.status in (RunStatus.PAUSED, RunStatus.RUNNING):
                answer = answer_by_timeout(question, time()) or self._answer
                journal = Journal(self._storage, fold)
                data = answer.data(question) | {"elapsed": round(fold.elapsed, 3)}
                journal.take_up(lease)
                journal.note("approval.decision", question.get("step"), data)
                await journal.commit(release=True)
                return
        except BaseException:
            with suppress(StorageError):
                await self._storage.release(lease)
            raise
        await self._storage.release(lease)

    async def _send(self) -> str:
        """Send the answer to whoever drives the run, and return who that is."""
        rows = [row for row in await self._storage.rows(prefix=self._run_id) if row.run_id == self._run_id]
        owner = describe(rows[0].owner or "") if rows and rows[0].owner else ""
        if not self._sent:
            await self._storage.signal(self._run_id, self._answer.signal(self._question_id))
            self._sent = True
        elif monotonic() > self._until:
            raise UsageError(
                f"run {self._run_id} is driven by {owner or 'another process'}, which has not taken the answer yet",
                remedy="It may take it still; type the same again to see.",
            )
        return owner
