"""Brings the questions of one attempt to people: all that are open at once, and only when nothing else is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from loopengt_local.control import EndRun

if TYPE_CHECKING:
    from loopengt_local.calling.calls import AttemptCalls

__all__ = ["Asking"]

_SETTLE = 10
"""Rounds of the event loop that further questions get to arrive, so that a person is asked all of them at once."""


class Asking:
    """The open questions of one attempt.

    A question may pause the run, which ends what is under way; so it waits until nothing is.

    Args:
        calls: The calls of the attempt.
    """

    def __init__(self, calls: AttemptCalls) -> None:
        self._calls = calls
        self._open: dict[str, tuple[dict[str, Any], asyncio.Future[dict[str, Any]]]] = {}
        self._asker: asyncio.Task[None] | None = None
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within this context something is under way."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within this context, inside of ``working``, the caller only waits."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask a question (data of ``approval.request``) and return the answer (data of ``approval.decision``).

        Raises:
            EndRun: Nobody is there: the run pauses.
        """
        if self._calls.ended is not None:
            raise self._calls.ended
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._open[question["id"]] = (question, answer)
        if self._asker is None or self._asker.done():
            self._asker = self._calls.spawn(self._ask_all())
        try:
            return await answer
        finally:
            self._open.pop(question["id"], None)

    def _count(self, more: int) -> None:
        self._busy += more
        if self._busy:
            self._idle.clear()
        else:
            self._idle.set()

    async def _ask_all(self) -> None:
        while self._open:
            await self._idle.wait()
            for _ in range(_SETTLE):
                await asyncio.sleep(0)
            if self._busy or not self._open:
                continue
            questions = [question for question, _ in self._open.values()]
            try:
                decision = await self._wait_for_one(questions)
            except Exception as exc:
                if isinstance(exc, EndRun):
                    self._calls.ended = exc
                for _, answer in tuple(self._open.values()):
                    if not answer.done():
                        answer.set_exception(exc)
                        answer.exception()  # whoever waits for it may be gone
                return
            _, answer = self._open.pop(decision["id"])
            if not answer.done():
                answer.set_result(decision)

    async def _wait_for_one(self, questions: list[dict[str, Any]]) -> dict[str, Any]:
        """Wait for the first answer; what people take is not the attempt's time."""
        calls = self._calls
        run, deadline, reservation = calls.run, calls.deadline, calls.reservation
        began = perf_counter()
        left = run.deadlines.suspend(deadline) if deadline is not None else 0.0
        if reservation is not None:
            run.budgets.suspend(reservation)
        try:
            return dict(await run.approvals.ask_any(questions))
        finally:
            if reservation is not None:
                run.budgets.go_on(reservation)
            if deadline is not None and not calls.closed:
                run.deadlines.go_on(deadline, left)
            calls.waited += perf_counter() - began
