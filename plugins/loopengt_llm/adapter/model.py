"""One model, reached through pydantic-ai by one client in each event loop."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import LoopengtError
from loopengt_llm.adapter.errors import agent_error, half_answer, timed_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai import messages as theirs

    from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse, ModelSettings
    from loopengt_llm.adapter.connection import Connection
    from loopengt_llm.adapter.services import Service

__all__ = ["PydanticAiModel"]


class _NotOurs(Exception):
    """Carries what the caller's ``on_text`` has raised past the classification of errors."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class PydanticAiModel:
    """A ``Model`` of ``loopengt_hookspecs.model_adapters``.

    The first use imports pydantic-ai and the service's package, which takes a second or two; ``request`` does so in
    a thread.
    """

    def __init__(self, settings: ModelSettings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._spare: Connection | None = None
        self._connections: dict[asyncio.AbstractEventLoop, asyncio.Task[Connection]] = {}

    @property
    def native_schema(self) -> bool:
        """Whether the model holds its answers to a JSON Schema itself, by pydantic-ai's profile of it."""
        if self._spare is None:
            self._spare = self._connect()
        return self._spare.native_schema

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Send one request, once.

        Raises:
            RateLimited: The service takes nothing more for ``retry_after`` seconds.
            AgentError: It failed; see ``loopengt_hookspecs.model_adapters.Model``.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_seconds) as limit:
                return await self._send(request)
        except _NotOurs as carried:
            raise carried.error from None
        except LoopengtError:
            raise
        except Exception as error:
            failure = timed_out(self._settings) if limit.expired() else agent_error(error, self._settings)
        # Outside of the handler: the error behind it may name the key, and must not be printed with this one.
        raise failure

    async def close(self) -> None:
        """Close the client of the running event loop."""
        task = self._connections.pop(asyncio.get_running_loop(), None)
        if task is not None:
            await (await task).close()

    async def _send(self, request: ModelRequest) -> ModelResponse:
        connection = await self._connection()  # imports pydantic-ai in a thread, before it is imported here

        from pydantic_ai.direct import model_request

        from loopengt_llm.adapter.messages import history, response_of
        from loopengt_llm.adapter.parameters import parameters, settings_of

        wanted: dict[str, Any] = {
            "model_settings": settings_of(request, connection, self._settings),
            "model_request_parameters": parameters(request),
        }
        messages = history(request.messages)
        if request.on_text is None:
            return response_of(await model_request(connection.model, messages, **wanted))
        return response_of(await self._stream(connection, messages, request.on_text, wanted))

    async def _stream(
        self, connection: Connection, messages: list[Any], on_text: Any, wanted: dict[str, Any]
    ) -> theirs.ModelResponse:
        from pydantic_ai.direct import model_request_stream

        async with model_request_stream(connection.model, messages, **wanted) as stream:
            async for event in stream:
                text = _text(event)
                if text:
                    try:
                        on_text(text)
                    except Exception as error:
                        raise _NotOurs(error) from error
            answer = stream.get()
        # Where the service has not said why it ended, pydantic-ai makes up a reason: only the service's own counts.
        told = (answer.provider_details or {}).get("finish_reason")
        if not told and answer.finish_reason != "content_filter":
            raise half_answer(self._settings)
        return answer

    async def _connection(self) -> Connection:
        loop = asyncio.get_running_loop()
        task = self._connections.get(loop)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            for ended in [one for one in self._connections if one.is_closed()]:
                del self._connections[ended]
            spare, self._spare = self._spare, None
            task = self._connections[loop] = loop.create_task(self._first(spare))
        # A request that is cancelled must not take the client of all others with it.
        return await asyncio.shield(task)

    async def _first(self, spare: Connection | None) -> Connection:
        return spare if spare is not None else await asyncio.to_thread(self._connect)

    def _connect(self) -> Connection:
        module, _, name = self._service.connect.partition(":")
        connect: Callable[[ModelSettings], Connection] = getattr(import_module(module), name)
        try:
            return connect(self._settings)
        except Exception as error:
            failure = agent_error(error, self._settings)
        raise failure


def _text(event: Any) -> str:
    """Return the piece of the answer's text that an event of a stream brings."""
    from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta

    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""
