"""The resources and prompts of a server, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_mcp.client.exchange import Ask
    from loopengt_mcp.client.peer import Peer
    from loopengt_mcp.client.results import Reader

__all__ = ["get_prompt", "list_prompts", "list_resources"]


async def list_resources(peer: Peer) -> list[dict[str, Any]]:
    """Return the resources, and the templates for the URIs of others. Raises as ``Peer.request`` does."""
    found = await peer.listed(lambda client, cursor: client.list_resources(cursor=cursor), "resources")
    templates = await peer.listed(
        lambda client, cursor: client.list_resource_templates(cursor=cursor), "resource_templates"
    )
    return [
        *(_known(each, uri=each.uri, mime_type=each.mime_type) for each in found),
        *(_known(each, uri_template=each.uri_template, mime_type=each.mime_type) for each in templates),
    ]


async def list_prompts(peer: Peer) -> list[dict[str, Any]]:
    """Return the prompts and what each asks for. Raises as ``Peer.request`` does."""
    found = await peer.listed(lambda client, cursor: client.list_prompts(cursor=cursor), "prompts")
    return [
        _known(each, arguments=[_known(one, required=bool(one.required)) for one in each.arguments or ()])
        for each in found
    ]


async def get_prompt(
    peer: Peer, name: str, arguments: Mapping[str, str], reader: Reader, ask: Ask | None = None
) -> list[dict[str, Any]]:
    """Return the messages of a prompt, each with role and content. Raises as ``Peer.request`` does."""
    result = await peer.request(
        lambda client: client.get_prompt(name, dict(arguments)), ask=ask, repeatable=True
    )
    return [{"role": one.role, "content": await reader.block(one.content)} for one in result.messages]


def _known(each: Any, **facts: Any) -> dict[str, Any]:
    found = {"name": each.name, "description": each.description, **facts}
    return {key: value for key, value in found.items() if value is not None}
