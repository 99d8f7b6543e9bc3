"""The connection to a server at an address: streamable HTTP with our headers and bounds."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2
from mcp.client.streamable_http import streamable_http_client

from loopengt_mcp.client.stdio import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.client._transport import TransportStreams

    from loopengt_mcp.client.failures import Notes
    from loopengt_mcp.client.servers import Address

__all__ = ["address_streams"]

_FIRST_ERROR = 400
_SESSION = "mcp-session-id"
_GONE = (400, 404)
"""Statuses that answer a session nobody knows: the protocol's, and that of many servers which take it for a mistake."""


@asynccontextmanager
async def address_streams(
    address: Address, notes: Notes, connect_seconds: float
) -> AsyncIterator[TransportStreams]:
    """Exchange messages with a server over HTTP.

    Args:
        address: Where it is, and the headers of each request.
        notes: Learns the statuses of refused requests.
        connect_seconds: Seconds that opening a connection may take; answers have deadlines of their own.
    """

    async def watch(response: httpx2.Response) -> None:
        if response.status_code >= _FIRST_ERROR:
            notes.status = response.status_code
            notes.refuses_session |= _SESSION in response.request.headers and response.status_code in _GONE
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.DecodingError(
                "a compressed answer, which was not asked for", request=response.request
            )
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            stream = response.stream
            assert isinstance(stream, httpx2.AsyncByteStream)
            response.stream = _Capped(stream)

    async with (
        httpx2.AsyncClient(
            # A compressed answer of few bytes may be one of very many.
            headers={"Accept-Encoding": "identity", **address.headers},
            timeout=httpx2.Timeout(connect_seconds, read=None),
            event_hooks={"response": [watch]},
        ) as client,
        streamable_http_client(
            address.url, http_client=client, max_sse_event_size=MAX_MESSAGE_BYTES
        ) as streams,
    ):
        yield streams


class _Capped(httpx2.AsyncByteStream):
    """A body that is an error when it is longer than a message may be."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_MESSAGE_BYTES:
                raise httpx2.ReadError(f"an answer of more than {MAX_MESSAGE_BYTES:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
