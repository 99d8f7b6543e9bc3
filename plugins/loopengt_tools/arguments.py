"""Makes the JSON Schema of a tool's arguments."""

from __future__ import annotations

from typing import Any

__all__ = ["arguments"]


def arguments(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others.

    Args:
        *required: Names of those that must be given.
        **properties: The schema of each.
    """
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | {"required": list(required)} if required else schema
