"""Questions to people: asks them, waits beside the other branches, and pauses the run when nothing else goes on."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt import get_logger
from loopengt.approvals import Answer, answer_by_timeout, seconds_left
from loopengt_hookspecs.models import End, EndReason
from loopengt_local.control import EndRun

if TYPE_CHECKING:
    from loopengt_hookspecs.gates import Question
    from loopengt_local.run import LocalRun

__all__ = ["Approvals", "question_data"]

_Waiting: TypeAlias = "asyncio.Future[tuple[str, Answer] | End]"
"""A step execution that waits: for the answer to one of its questions, by id, or until the run pauses."""

_QUIET_ROUNDS = 50
"""Rounds of the event loop without anything new, after which a run pauses whose every step waits for an answer."""

_COMMIT_SECONDS = 0.001
"""How long to wait for an append that is under way before looking again."""

_MOST_SHOWN = 5
"""Questions whose place the end of a run names."""

_RELAYED = frozenset(
    {
        "gate",
        "attempt",
        "question",
        "tool",
        "input",
        "choices",
        "schema",
        "audience",
        "details",
        "timeout_seconds",
        "on_timeout",
        "asked_at",
        "expires_at",
    }
)
"""What a run's own question takes over from that of its child."""

_CLOCK_SLACK = 1.0
"""Seconds that a clock may lie behind the time of a question before it counts as set back."""


def question_data(
    question: Question, *, key: str, step: str, gate: str, attempt: int, text: str
) -> dict[str, Any]:
    """Make the data of the ``approval.request`` event of a gate's question.

    Args:
        question: What the gate asks.
        key: Idempotency key of the attempt.
        step: Name of the step, or of its instance.
        gate: Name of the gate.
        attempt: The attempt that is judged, from 1.
        text: The question's text, fit for the journal.
    """
    data: dict[str, Any] = {"id": f"{key}/{gate}", "kind": "gate", "step": step, "gate": gate}
    data |= {"attempt": attempt, "question": text}
    if question.timeout_seconds is not None:
        data["timeout_seconds"] = question.timeout_seconds
        data["on_timeout"] = "approve" if question.approve_on_timeout else "reject"
    return data


class Approvals:
    """The questions of one run that is driven.

    Args:
        run: The run.
    """

    def __init__(self, run: LocalRun) -> None:
        self._run = run
        self._waiting: dict[str, _Waiting] = {}
        """Who waits for the answer to a question, by its id."""
        self._executions: dict[_Waiting, tuple[str, ...]] = {}
        """One for each step execution that waits for an answer, with the ids of its questions."""
        self._early: dict[str, Answer] = {}
        """Answers that came before their question was waited for."""
        self._settling: asyncio.Task[None] | None = None
        self._number = 0
        """That of the question that was asked last; 0: none was, since the run was taken up."""

    async def ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask a question, unless it is asked already, and return the answer (data of ``approval.decision``).

        While it waits, the caller's slot is free for other steps.

        Args:
            question: Data of the ``approval.request`` event: ``id``, ``kind``, ``step``, ``question``, …; with
                ``timeout_seconds`` and ``on_timeout`` it is decided when that time is over.

        Raises:
            EndRun: Every other step waits, too, so the run pauses.
        """
        known = self._run.fold.decisions.get(question["id"])
        return known if known is not None else await self._wait([question])

    async def ask_any(self, questions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Ask questions of one step execution, none of them decided yet, and return the first answer; as ``ask``.

        Raises:
            EndRun: Every other step waits, too, so the run pauses.
        """
        return await self._wait(questions)

    async def relay(self, step: str, child: str, questions: Sequence[Mapping[str, Any]]) -> None:
        """Ask what a child run asks, as this run's own questions; to be called whenever the child came to rest.

        Questions of the child that it does not ask any more count as answered. The ids are those of the child's
        questions, so that an answer reaches every journal under the same id.

        Args:
            step: Name of the step that the child run does.
            child: Its id.
            questions: What it asks now; empty: nothing, it has ended. Returns at once then, else when one is answered.

        Raises:
            EndRun: Every other step waits, too, so the run pauses.
        """
        asked = {question["id"] for question in questions}
        gone = [
            known
            for known in self._run.fold.questions.values()
            if known.get("run") == child and known["id"] not in asked
        ]
        for known in gone:
            data = {"id": known["id"], "kind": known["kind"], "step": step, "run": child}
            self._run.journal.note("approval.decision", step, data | {"decision": "answered", "by": child})
        if gone:
            await self._run.journal.commit()
        if questions:
            own = {"kind": "subloop", "step": step, "run": child}
            await self._wait(
                [
                    {"id": question["id"], **own, "asks": question.get("asks", question["kind"])}
                    | {key: question[key] for key in _RELAYED & question.keys()}
                    for question in questions
                ]
            )

    def receive(self, signal: Mapping[str, Any]) -> None:
        """Take an answer that was sent to this run; the first one to a question counts."""
        name, answer = signal.get("id"), Answer.of_signal(signal)
        fold = self._run.fold
        if answer is None or not isinstance(name, str) or name not in fold.questions or name in self._early:
            get_logger("loopengt.local").info("answer to nothing that is asked", run=fold.run_id, id=name)
        elif name in self._waiting:
            self._resolve(name, answer)
        else:
            self._early[name] = answer

    def look(self) -> None:
        """Something has changed: pause the run soon when all that is under way waits for answers."""
        if self._executions and self._settling is None and self._all_wait():
            self._settling = asyncio.create_task(self._settle(), name="loopengt approvals")

    def close(self) -> None:
        """Look no more."""
        if self._settling is not None:
            self._settling.cancel()

    # -- one question -----------------------------------------------------------------------------------------

    async def _wait(self, questions: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Wait for the first answer to one of some questions, write it down and return it."""
        run = self._run
        asked = await self._note(questions)
        loop = asyncio.get_running_loop()
        waiting: _Waiting = loop.create_future()
        self._executions[waiting] = tuple(asked)
        self._waiting |= dict.fromkeys(asked, waiting)
        timers = [
            loop.call_later(left, self._strike, name)
            for name, question in asked.items()
            if (left := seconds_left(question, time())) is not None
        ]
        async with run.slots.lent():
            try:
                for name in asked:
                    if name in self._early:
                        self._resolve(name, self._early.pop(name))
                self.look()
                found = await waiting
            finally:
                self._forget(waiting)
                for timer in timers:
                    timer.cancel()
            if isinstance(found, End):
                raise EndRun(found)
            name, answer = found
            question = asked[name]
            data = answer.data(question)
            data["comment"] = run.compiled.intake.text(data["comment"])
            run.journal.note("approval.decision", question["step"], data)
            await run.journal.commit()
        return data

    async def _note(self, questions: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Write down what is not asked yet; return the questions as they stand, by id."""
        journal, known = self._run.journal, self._run.fold.questions
        asked: dict[str, Mapping[str, Any]] = {}
        for question in questions:
            data = known.get(question["id"])
            if data is None or _set_back(data):
                number = self._next_number() if data is None else data.get("number")
                data = _timed(question) | ({"number": number} if number else {})
                journal.note("approval.request", data["step"], data)
            asked[data["id"]] = data
        await journal.commit()
        return asked

    def _next_number(self) -> int:
        """Return the number by which people name a question of this run; it stays when others are answered."""
        if not self._number:
            fold = self._run.fold
            known = (question.get("number", 0) for question in fold.questions.values())
            self._number = max(len(fold.questions) + len(fold.decisions), *known, 0)
        self._number += 1
        return self._number

    def _strike(self, name: str) -> None:
        answer = answer_by_timeout(self._run.fold.questions[name], math.inf)
        assert answer is not None, "only questions with a timeout have a timer"
        self._resolve(name, answer)

    def _resolve(self, name: str, answer: Answer) -> None:
        waiting = self._waiting.get(name)
        if waiting is not None and not waiting.done():
            self._forget(waiting)
            waiting.set_result((name, answer))

    def _forget(self, waiting: _Waiting) -> None:
        for name in self._executions.pop(waiting, ()):
            self._waiting.pop(name, None)

    # -- when nothing else goes on ----------------------------------------------------------------------------

    def _all_wait(self) -> bool:
        return 0 < len(self._executions) == self._run.executing

    async def _settle(self) -> None:
        """Give the pattern time to ask for another step; then pause."""
        try:
            rounds, seen = 0, self._run.asked
            while rounds < _QUIET_ROUNDS:
                writing = self._run.journal.is_writing
                await asyncio.sleep(_COMMIT_SECONDS if writing else 0)
                if not self._all_wait():
                    return
                rounds = 0 if writing or seen != self._run.asked else rounds + 1
                seen = self._run.asked
            self._pause()
        finally:
            self._settling = None

    def _pause(self) -> None:
        end = self._run.stop_requested or End(EndReason.APPROVAL_REQUIRED, self._what_is_asked())
        for waiting in tuple(self._executions):
            self._forget(waiting)
            if not waiting.done():
                waiting.set_result(end)

    def _what_is_asked(self) -> str:
        questions = [self._run.fold.questions[name] for name in self._waiting]
        if len(questions) == 1:
            if questions[0].get("audience") == "host":
                return f"{_where(questions[0])} waits for the model of an IDE"
            return f"{_where(questions[0])} asks: {questions[0]['question']}"
        places = ", ".join(_where(question) for question in questions[:_MOST_SHOWN])
        more = f" and {len(questions) - _MOST_SHOWN} more" if len(questions) > _MOST_SHOWN else ""
        return f"{len(questions)} answers are needed: {places}{more}"


def _where(question: Mapping[str, Any]) -> str:
    gate = f"gate {question['gate']!r} of " if question.get("gate") else ""
    return f"{gate}step {question['step']!r}"


def _timed(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question with the time until which an answer is waited for; what a child asks has one already."""
    if "timeout_seconds" not in question or question["kind"] == "subloop":
        return dict(question)
    now = time()
    return {**question, "asked_at": now, "expires_at": now + question["timeout_seconds"]}


def _set_back(question: Mapping[str, Any]) -> bool:
    """Whether the clock was set back since a question was asked: then its time begins anew, by the new clock."""
    own = question["kind"] != "subloop" and "asked_at" in question
    return own and time() < question["asked_at"] - _CLOCK_SLACK
