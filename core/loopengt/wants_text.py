"""Says whether a JSON Schema is about text, so that JSON in text is not taken for the text that it wants."""

from __future__ import annotations

from typing import Any

__all__ = ["wants_text"]

_TEXT = {"contentEncoding", "contentMediaType", "format", "maxLength", "minLength", "pattern"}
_STRUCTURE = {
    "additionalProperties",
    "contains",
    "dependentRequired",
    "items",
    "maxItems",
    "maxProperties",
    "minItems",
    "minProperties",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "uniqueItems",
}


def wants_text(schema: Any) -> bool | None:
    """True: text is what the schema wants, or one of the things it allows; False: it wants other data.

    None when it does not say; it may then be about either.
    """
    return _judge(schema, schema, 0)


def _judge(schema: Any, root: Any, depth: int) -> bool | None:
    if not isinstance(schema, dict) or depth > 20:
        return None
    own = _own(schema)
    if own is not None:
        return own
    every = [_judge(part, root, depth + 1) for part in _parts(schema, "allOf")]
    if "$ref" in schema:
        every.append(_judge(_target(schema["$ref"], root), root, depth + 1))
    if False in every:
        return False
    some = [_judge(part, root, depth + 1) for key in ("anyOf", "oneOf") for part in _parts(schema, key)]
    if True in every or True in some:
        return True
    return False if False in some else None


def _own(schema: dict[str, Any]) -> bool | None:
    """What the schema's own keywords say."""
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return "string" in kinds
    if "const" in schema:
        return isinstance(schema["const"], str)
    if isinstance(schema.get("enum"), list):
        return any(isinstance(value, str) for value in schema["enum"])
    if _STRUCTURE & schema.keys():
        return False
    return True if _TEXT & schema.keys() else None


def _parts(schema: dict[str, Any], key: str) -> list[Any]:
    parts = schema.get(key)
    return parts if isinstance(parts, list) else []


def _target(reference: Any, root: Any) -> Any:
    """What a reference into the schema itself points to, or None."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = root
    for part in reference[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        else:
            return None
    return found
