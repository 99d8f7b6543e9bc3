"""What the conformance suite wants a server to return: plain tools, resources and prompts under the suite's names."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context, UserMessage
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.types import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

if TYPE_CHECKING:
    from mcp.server import MCPServer

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="  # 1 x 1, grey
SILENCE = base64.b64encode(
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00"
    b"data\x00\x00\x00\x00"
).decode()


def add_content(server: MCPServer[Any]) -> None:
    """Add the tools, resources and prompts that ask nobody."""
    for tool in (simple_text, image, audio, resource, several_kinds, failing, progress):
        server.add_tool(tool, name=f"test_{_NAMES[tool.__name__]}", description=tool.__doc__)
    for tool in (mirrored, wide_schema, tools_change, prompts_change):
        server.add_tool(tool, name=_NAMES[tool.__name__], description=tool.__doc__)
    # No public way leads to a schema that no function's parameters can have.
    server._tool_manager._tools[_NAMES["wide_schema"]].parameters = WIDE_SCHEMA
    _add_resources(server)
    for prompt in (plain_prompt, filled_prompt, resource_prompt, image_prompt):
        made = Prompt.from_function(prompt, name=_NAMES[prompt.__name__], description=prompt.__doc__)
        server.add_prompt(made)


_NAMES = {
    "simple_text": "simple_text",
    "image": "image_content",
    "audio": "audio_content",
    "resource": "embedded_resource",
    "several_kinds": "multiple_content_types",
    "failing": "error_handling",
    "progress": "tool_with_progress",
    "mirrored": "test_x_mcp_header",
    "wide_schema": "json_schema_2020_12_tool",
    "tools_change": "test_trigger_tool_change",
    "prompts_change": "test_trigger_prompt_change",
    "plain_prompt": "test_simple_prompt",
    "filled_prompt": "test_prompt_with_arguments",
    "resource_prompt": "test_prompt_with_embedded_resource",
    "image_prompt": "test_prompt_with_image",
}

WIDE_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


# -- tools ---------------------------------------------------------------------------------------------------------


def simple_text() -> str:
    """Return a text."""
    return "This is a simple text response for testing."


def image() -> list[ImageContent]:
    """Return a picture."""
    return [ImageContent(data=PIXEL, mime_type="image/png")]


def audio() -> list[AudioContent]:
    """Return a sound."""
    return [AudioContent(data=SILENCE, mime_type="audio/wav")]


def resource() -> list[EmbeddedResource]:
    """Return a resource."""
    return [_embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]


def several_kinds() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Return content of three kinds."""
    data = json.dumps({"test": "data", "value": 123})
    return [
        TextContent(text="Multiple content types test:"),
        ImageContent(data=PIXEL, mime_type="image/png"),
        _embedded("test://mixed-content-resource", "application/json", data),
    ]


def failing() -> str:
    """Fail."""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def progress(ctx: Context) -> str:
    """Report progress three times."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await asyncio.sleep(0.05)
    return "done"


def mirrored(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "nowhere",
) -> str:
    """Take an argument that a header repeats."""
    return region


def wide_schema() -> str:
    """Take what a schema of many keywords says."""
    return "taken"


async def tools_change(ctx: Context) -> str:
    """Change the list of tools for a moment, and say so."""
    ctx.mcp_server.add_tool(simple_text, name="test_for_a_moment", description="A tool of a moment.")
    ctx.mcp_server.remove_tool("test_for_a_moment")
    await ctx.notify_tools_changed()
    return "changed"


async def prompts_change(ctx: Context) -> str:
    """Change the list of prompts for a moment, and say so."""
    moment = Prompt.from_function(plain_prompt, name="test_for_a_moment", description="A prompt of a moment.")
    ctx.mcp_server.add_prompt(moment)
    ctx.mcp_server.remove_prompt("test_for_a_moment")
    await ctx.notify_prompts_changed()
    return "changed"


# -- resources -----------------------------------------------------------------------------------------------------


def _add_resources(server: MCPServer[Any]) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A picture."""
        return base64.b64decode(PIXEL)

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """A text that can be watched."""
        return "watched"

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def by_template(id: str) -> str:  # noqa: A002
        """Data by id."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


# -- prompts -------------------------------------------------------------------------------------------------------


def plain_prompt() -> list[UserMessage]:
    """A prompt without arguments."""
    return [UserMessage("This is a simple prompt for testing.")]


def filled_prompt(arg1: str, arg2: str) -> list[UserMessage]:
    """A prompt with two arguments."""
    return [UserMessage(f"Prompt with arguments: arg1={arg1!r}, arg2={arg2!r}")]


def resource_prompt(resourceUri: str) -> list[UserMessage]:  # noqa: N803
    """A prompt that brings a resource along."""
    embedded = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(embedded), UserMessage("Please process the embedded resource above.")]


def image_prompt() -> list[UserMessage]:
    """A prompt that brings a picture along."""
    picture = ImageContent(data=PIXEL, mime_type="image/png")
    return [UserMessage(picture), UserMessage("Please analyze the image above.")]
