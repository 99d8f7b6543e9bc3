"""Asks a person at the terminal what a paused run wants to know, and writes the answers down."""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING, Any

from loopengt.approvals import decide, seconds_left
from loopengt.errors import UsageError
from loopengt.journal import Fold, read_events
from loopengt_cli_run.answers import Unfit, fitting
from loopengt_cli_run.choosing import decided_in_words
from loopengt_cli_run.deciding import answer_of
from loopengt_cli_run.prompting import NoMore, is_there, prompt
from loopengt_cli_run.questions import details_of, is_for_answer, is_for_host, is_for_resume, place_of
from loopengt_cli_run.text import lines_of, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt.approvals import Answer
    from loopengt_cli_run.interrupts import Interrupts
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.storage import Storage

__all__ = ["TerminalAsking"]

_WORDS = {"y": True, "yes": True, "n": False, "no": False}
_LATER = ("", "l", "later")


class TerminalAsking:
    """The questions of one run, as a person at the terminal is asked them.

    What the person puts off is not asked again.

    Args:
        storage: Where the run is kept.
        interrupts: Tells of Ctrl-C.
    """

    def __init__(self, storage: Storage, interrupts: Interrupts) -> None:
        self._storage = storage
        self._interrupts = interrupts
        self._put_off: set[str] = set()

    async def ask(self, result: RunResult) -> bool:
        """Ask what a run that has paused asks, and return whether it can go on: something is answered.

        How a step ended that was cut short is not asked here.
        """
        open_ones = [
            question
            for question in result.questions
            if not is_for_resume(question)
            and not is_for_host(question)
            and question["id"] not in self._put_off
        ]
        settled = False
        if open_ones and is_there():
            try:
                for question in open_ones:
                    settled |= await _Question(self, result.run_id, question).ask()
            except NoMore:
                self._put_off |= {question["id"] for question in open_ones}
        return settled and not self._interrupts.requested

    @property
    def storage(self) -> Storage:
        """Where the run is kept."""
        return self._storage

    @property
    def interrupts(self) -> Interrupts:
        """Tells of Ctrl-C."""
        return self._interrupts

    def put_off(self, question_id: str) -> None:
        """Do not ask this again."""
        self._put_off.add(question_id)


class _Question:
    """One question while it is asked."""

    def __init__(self, asking: TerminalAsking, run_id: str, question: Mapping[str, Any]) -> None:
        self._asking = asking
        self._run_id = run_id
        self._question = question
        self._fold = Fold(history=False)
        left = seconds_left(question, time())
        self._until = None if left is None else monotonic() + left

    async def ask(self) -> bool:
        """Ask, write the answer down, and return whether the question is settled.

        Raises:
            NoMore: The person ends the asking.
        """
        question = self._question
        say()
        say(f"{place_of(question)} asks:")
        for line in (*lines_of(str(question.get("question") or "")), *details_of(question)):
            say(f"  {line.removeprefix('  ')}")
        answer = await (self._words() if is_for_answer(question) else self._approval())
        if answer is None:
            if await self._is_over():
                say("It is settled already.")
                return True
            self._asking.put_off(question["id"])
            return False
        try:
            answered = await decide(self._asking.storage, self._run_id, question["id"], answer)
        except UsageError as exc:
            say(str(exc))
            self._asking.put_off(question["id"])
            return False
        if not answered.ours:
            say(f"{decided_in_words(answered.decision)}; that counts.")
        return True

    async def _approval(self) -> Answer | None:
        while True:
            typed = await self._line("Approve? [y/n, Enter: later] ")
            if typed is None or typed.strip().casefold() in _LATER:
                return None
            approved = _WORDS.get(typed.strip().casefold())
            if approved:
                return answer_of(True, "")
            if approved is False:
                why = await self._line("Why? [Enter: no reason] ")
                return None if why is None else answer_of(False, why.strip())
            say("Type y to approve, n to reject, or nothing to leave it for later.")

    async def _words(self) -> Answer | None:
        which = "Which? [number or word, Enter: later] "
        while True:
            typed = await self._line(which if self._question.get("choices") else "Answer? [Enter: later] ")
            if typed is None or not typed.strip():
                return None
            try:
                return answer_of(True, fitting(self._question, typed))
            except Unfit as problem:
                for line in lines_of(str(problem)):
                    say(line)

    async def _line(self, text: str) -> str | None:
        return await prompt(text, self._asking.interrupts, self._is_over)

    async def _is_over(self) -> bool:
        """Whether somebody else has answered, or the time for an answer is over."""
        if self._until is not None and monotonic() >= self._until:
            return True
        fold = self._fold
        async for events in read_events(self._asking.storage, self._run_id, after=fold.seq, blobs=False):
            fold.apply_all(events)
        return self._question["id"] not in fold.questions
