"""One request that is under way, and the questions that the server asks meanwhile."""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from typing import TYPE_CHECKING

from mcp.types import ElicitRequestURLParams, ElicitResult
from pydantic import ValidationError

from loopengt.display import visible
from loopengt_hookspecs.calls import PersonQuestion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from mcp.types import ElicitRequestParams

    from loopengt_hookspecs.calls import PersonAnswer

    Ask = Callable[[PersonQuestion], Awaitable[PersonAnswer]]

__all__ = ["Exchange", "begin", "under_way"]

MOST_QUESTIONS = 20
"""Questions that a server may ask within one request."""
OPENED = "done"
NOT_OPENED = "decline"
_LONGEST = 4_000


class Exchange:
    """A request to a server, on whose behalf the server may ask a person.

    Args:
        server: The server's name.
        ask: Asks the person; None: there is nobody.
    """

    def __init__(self, server: str, ask: Ask | None) -> None:
        self._server = server
        self._ask = ask
        self._waiting: list[tuple[ElicitRequestParams, asyncio.Future[ElicitResult]]] = []
        self._open: list[asyncio.Future[ElicitResult]] = []
        self.asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when there are questions: then ``answer`` has to be called."""

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""
        return self._ask is not None

    async def put(self, question: ElicitRequestParams) -> ElicitResult:
        """Wait until the one who made the request has answered; called by the connection."""
        if len(self._open) >= MOST_QUESTIONS:
            return ElicitResult(action="decline")
        answered: asyncio.Future[ElicitResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answered))
        self._open.append(answered)
        if not self.asked.done():
            self.asked.set_result(None)
        return await answered

    async def answer(self) -> None:
        """Ask the person, in the task that made the request: what asking raises ends the request."""
        waiting, self._waiting = self._waiting, []
        self.asked = asyncio.get_running_loop().create_future()
        for question, answered in waiting:
            result = await self._asked(question)
            if not answered.done():
                answered.set_result(result)

    def close(self) -> None:
        """The request is over: dismiss what nobody has answered, or the server would wait for it."""
        for answered in self._open:
            if not answered.done():
                answered.set_result(ElicitResult(action="cancel"))

    async def _asked(self, question: ElicitRequestParams) -> ElicitResult:
        if self._ask is None:
            return ElicitResult(action="decline")
        message = visible(question.message[:_LONGEST], keep="\n")
        if isinstance(question, ElicitRequestURLParams):
            text = f"The MCP server {self._server!r} asks you to open {visible(question.url)}\n{message}"
            answer = await self._ask(PersonQuestion(text, choices=(OPENED, NOT_OPENED)))
            accepted = not answer.declined and answer.text.strip() == OPENED
            return ElicitResult(action="accept" if accepted else "decline")
        text = f"The MCP server {self._server!r} asks: {message}"
        answer = await self._ask(PersonQuestion(text, schema=question.requested_schema))
        return ElicitResult(action="decline") if answer.declined else _accepted(answer.text)


_current: ContextVar[Exchange | None] = ContextVar("loopengt_mcp_exchange", default=None)


def begin(exchange: Exchange) -> None:
    """Mark the request that the present task, and what it starts, belongs to."""
    _current.set(exchange)


def under_way(known: Collection[Exchange]) -> Exchange | None:
    """Return the request of a connection that a question belongs to; None: nobody can tell.

    Servers of 2026 put their questions into the answer to a request, so it is the present one; those before send them
    by the way, and of several requests any may be meant.
    """
    own = _current.get()
    if own is not None and own in known:
        return own
    return next(iter(known)) if len(known) == 1 else None


def _accepted(text: str) -> ElicitResult:
    """Take an answer that should be a JSON object of plain values; what is not one dismisses the question."""
    try:
        return ElicitResult(action="accept", content=json.loads(text))
    except (ValueError, ValidationError):
        return ElicitResult(action="cancel")
