"""Waits for a person's answer, or for another process that drives a run."""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING

from loopengt.approvals import seconds_left
from loopengt.finding import find_run, is_driven
from loopengt.journal import Fold, read_events
from loopengt.ownership import describe
from loopengt_cli_run.questions import question_lines
from loopengt_cli_run.text import say
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_run.interrupts import Interrupts
    from loopengt_hookspecs.storage import RunRow, Storage

__all__ = ["wait_for_turn"]

_POLL_SECONDS = 0.5


async def wait_for_turn(storage: Storage, run_id: str, interrupts: Interrupts, kernel: Kernel) -> bool:
    """Wait while a run asks a person, or is driven by another process.

    Returns:
        Whether it is our turn now; False: a signal came first.
    """
    told = ""
    answers = _Answers(storage, run_id)
    while not interrupts.requested:
        row = await find_run(storage, run_id)
        why = _why_wait(row)
        if not why or (not is_driven(row) and await answers.has_come()):
            return True
        if why != told:
            say(f"Waiting: run {run_id} {why}.")
            for line in question_lines(answers.questions, run_id, kernel):
                say(line)
            told = why
        await interrupts.wait(_POLL_SECONDS)
    return False


class _Answers:
    """Looks for answers in the journal of a run that rests; after the first time only at what was added."""

    def __init__(self, storage: Storage, run_id: str) -> None:
        self._storage = storage
        self._run_id = run_id
        self._fold = Fold(history=False)
        self._answered = False
        self._until: dict[str, float] = {}
        """When the time of a question is over, on a clock that nobody sets."""

    @property
    def questions(self) -> list[dict[str, object]]:
        """What is asked."""
        return list(self._fold.questions.values()) if self._fold.seq else []

    async def has_come(self) -> bool:
        """Whether a question was answered since the run paused, or its time is over."""
        fold = self._fold
        async for events in read_events(self._storage, self._run_id, after=fold.seq, blobs=False):
            fold.apply_all(events)
            for event in events:
                if event.type == "loop.pause":
                    self._answered = False
                elif event.type == "approval.decision":
                    self._answered = True
        return self._answered or self._is_late()

    def _is_late(self) -> bool:
        now = monotonic()
        for name, question in self._fold.questions.items():
            left = seconds_left(question, time())
            if left is not None and (left == 0 or now >= self._until.setdefault(name, now + left)):
                return True
        return False


def _why_wait(row: RunRow) -> str:
    if is_driven(row):
        return f"is driven by {describe(row.owner or '')}"
    if row.status == "paused" and row.reason == EndReason.APPROVAL_REQUIRED:
        return "needs a person's answer"
    return ""
