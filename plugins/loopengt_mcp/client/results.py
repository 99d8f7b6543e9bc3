"""What a server returns, as data for an agent: texts, structured data, and notes on what is neither."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from mcp.types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
)

from loopengt.json_schema import JsonSchema, SchemaProblem, listed
from loopengt_hookspecs.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mcp.types import CallToolResult, ContentBlock, TextResourceContents

    PutBlob = Callable[[bytes], Awaitable[str]]

__all__ = ["Reader"]

_LONGEST_ERROR = 4_000


class Reader:
    """Turns results into data of bounded size.

    Args:
        server: The server's name, for messages.
        put_blob: Stores bytes and returns their digest.
        most: Most bytes of a result; a longer one is stored whole, and its beginning returned.
    """

    def __init__(self, server: str, put_blob: PutBlob, most: int) -> None:
        self._server = server
        self._put_blob = put_blob
        self._most = most

    async def tool_result(self, result: CallToolResult, *, schema: dict[str, Any] | None) -> Any:
        """Return what a tool gave: structured data where it promises a schema, else the content.

        Raises:
            ToolError: It says that it failed, or its structured data does not fit the schema, or is too long to be
                returned.
        """
        if result.is_error:
            found = await self._blocks(result.content)
            text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
            raise ToolError(
                _cut(text, _LONGEST_ERROR) or f"the MCP server {self._server!r} says that the call failed"
            )
        structured = result.structured_content
        if schema is not None:
            self._refuse_misfit(structured, schema)
        if structured is None or not (schema is not None or not result.content):
            return await self.bounded(await self._blocks(result.content))
        whole = _encoded(structured)
        if len(whole) > self._most:
            digest = await self._put_blob(whole)
            raise ToolError(
                f"the call was done, but its result has {len(whole):,} bytes, more than the {self._most:,} that are "
                f"handed on: it is kept whole as {digest}. It begins:\n{_beginning(whole, self._most // 2)}"
            )
        return structured

    def _refuse_misfit(self, structured: Any, schema: dict[str, Any]) -> None:
        if structured is None:
            said = "it has no structured data, which its tool promises"
        else:
            try:
                said = listed(JsonSchema(schema).violations(structured))
            except SchemaProblem as problem:
                said = f"the tool's output schema cannot be used: {problem}"
        if said:
            raise ToolError(
                f"the MCP server {self._server!r} gave an answer that cannot be used:\n{_cut(said, _LONGEST_ERROR)}"
            )

    async def contents(self, contents: Sequence[TextResourceContents | BlobResourceContents]) -> Any:
        """Return the contents of a resource: a text, or a list with notes."""
        return await self.bounded(_joined([await self._content(content) for content in contents]))

    async def bounded(self, value: Any) -> Any:
        """Return data as it is, or the beginning of what is too long, with a note."""
        whole = value.encode("utf-8", "replace") if isinstance(value, str) else _encoded(value)
        if len(whole) <= self._most:
            return value
        digest = await self._put_blob(whole)
        begins = _beginning(whole, self._most - 200)
        return f"{begins}\n[... cut off: all {len(whole):,} bytes are kept as {digest}]"

    async def _blocks(self, content: Sequence[ContentBlock]) -> Any:
        return _joined([await self.block(block) for block in content])

    async def block(self, block: ContentBlock) -> Any:
        """Return one piece of content: its text, or a note on it."""
        if isinstance(block, TextContent):
            return block.text
        if isinstance(block, ImageContent | AudioContent):
            return {"type": block.type, "mime_type": block.mime_type, **await self._stored(block.data)}
        if isinstance(block, ResourceLink):
            facts = {"name": block.name, "description": block.description, "mime_type": block.mime_type}
            known = {key: value for key, value in facts.items() if value}
            return {"type": block.type, "uri": block.uri, **known}
        assert isinstance(block, EmbeddedResource)
        found = await self._content(block.resource)
        return (
            found
            if isinstance(found, dict)
            else {"type": "resource", "uri": block.resource.uri, "text": found}
        )

    async def _content(self, content: TextResourceContents | BlobResourceContents) -> Any:
        if not isinstance(content, BlobResourceContents):
            return content.text
        kind = {"mime_type": content.mime_type} if content.mime_type else {}
        return {"type": "resource", "uri": content.uri, **kind, **await self._stored(content.blob)}

    async def _stored(self, data: str) -> dict[str, Any]:
        try:
            raw = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise ToolError(f"the MCP server {self._server!r} gave data that is not base64") from None
        return {"bytes": len(raw), "blob": await self._put_blob(raw)}


def _joined(parts: list[Any]) -> Any:
    """Return texts as one text, and anything else as a list."""
    if all(isinstance(part, str) for part in parts):
        return "\n".join(parts)
    return parts if len(parts) > 1 else parts[0]


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _beginning(whole: bytes, size: int) -> str:
    return whole[:size].decode("utf-8", "ignore")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
