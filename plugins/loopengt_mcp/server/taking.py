"""Says in words what a JSON Schema takes, and finds the place in data and schema that a validator speaks of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.display import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Place", "place_in", "taken"]

_DEEPEST = 8
_MOST = 30
_LONGEST = 400
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}
_SIZES = (
    ("minLength", "maxLength", "character"),
    ("minItems", "maxItems", "item"),
    ("minProperties", "maxProperties", "key"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the arguments of a call."""

    name: str
    """What it is called, such as ``steps[2].name``."""
    value: Any
    schema: dict[str, Any]
    """What is taken there; empty: nobody knows."""
    beside: tuple[str, ...] = ()
    """The keys that are known where it lies."""


def place_in(
    arguments: Mapping[str, Any], root: dict[str, Any], loc: Sequence[int | str], *, absent: bool = False
) -> Place:
    """Return the place of a validator's finding.

    Args:
        arguments: The data.
        root: Their schema.
        loc: Keys and positions, and between them names of types, which belong to no place.
        absent: Whether the last key need not be in the data.
    """
    place = Place("", arguments, root)
    for number, part in enumerate(loc):
        inside, may_lack = place.value, absent and number == len(loc) - 1
        if isinstance(part, int) and isinstance(inside, list) and part < len(inside):
            name, value = f"{place.name}[{part}]", inside[part]
        elif isinstance(part, str) and isinstance(inside, dict) and (part in inside or may_lack):
            name, value = f"{place.name}.{part}" if place.name else part, inside.get(part)
        else:
            continue
        beside = tuple(key for arm in _arms(place.schema, root) for key in arm.get("properties", ()))
        place = Place(name, value, _member(place.schema, root, part), beside)
    return place


def taken(schema: dict[str, Any], root: dict[str, Any]) -> str:
    """Return what a schema takes in words, such as ``a number from 0 to 50, or null``.

    Args:
        schema: The schema, which may be a part of another one.
        root: That one: references lead into it.
    """
    return one_line(_taken(schema, root, 0), _LONGEST)


def _taken(schema: dict[str, Any], root: dict[str, Any], depth: int) -> str:
    said = dict.fromkeys(_said(arm, root, depth) for arm in _arms(schema, root))
    return ", or ".join(said) if said and depth < _DEEPEST else "anything"


def _said(arm: dict[str, Any], root: dict[str, Any], depth: int) -> str:
    if "const" in arm:
        return _json(arm["const"])
    if "enum" in arm:
        choices = [_json(choice) for choice in arm["enum"][:_MOST]]
        return f"one of {', '.join(choices)}" if len(choices) > 1 else "".join(choices)
    kinds = arm.get("type", ())
    words = [_TYPES.get(kind, "") for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    text = " or ".join(word for word in words if word) or "anything"
    text += _bounds(arm) + "".join(_size(arm, *size) for size in _SIZES)
    if "pattern" in arm:
        text += f" that matches {arm['pattern']}"
    if isinstance(arm.get("items"), dict):
        text += f", each item {_taken(arm['items'], root, depth + 1)}"
    if isinstance(arm.get("additionalProperties"), dict):
        text += f", each value {_taken(arm['additionalProperties'], root, depth + 1)}"
    if arm.get("properties"):
        text += f" with {', '.join(list(arm['properties'])[:_MOST])}"
    return text


def _bounds(arm: dict[str, Any]) -> str:
    low, high = arm.get("minimum"), arm.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    words = (("minimum", "at least"), ("maximum", "at most"), ("exclusiveMinimum", "above"))
    found = [f"{word} {arm[key]}" for key, word in (*words, ("exclusiveMaximum", "below")) if key in arm]
    return f" {' and '.join(found)}" if found else ""


def _size(arm: dict[str, Any], lower: str, upper: str, unit: str) -> str:
    low, high = arm.get(lower, 0), arm.get(upper)
    if high is not None:
        return f" of {low} to {high} {unit}s" if low else f" of at most {high} {unit}s"
    return f" of at least {low} {unit}{'s' if low > 1 else ''}" if low else ""


def _arms(schema: dict[str, Any], root: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Return the schemas that a schema chooses from; alone it is its own."""
    if depth > _DEEPEST:
        return
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
        if isinstance(found, dict):
            yield from _arms(found, root, depth + 1)
        return
    arms = [
        arm for key in ("anyOf", "oneOf", "allOf") for arm in schema.get(key, ()) if isinstance(arm, dict)
    ]
    for arm in arms:
        yield from _arms(arm, root, depth + 1)
    if not arms and schema:
        yield schema


def _member(schema: dict[str, Any], root: dict[str, Any], part: int | str) -> dict[str, Any]:
    for arm in _arms(schema, root):
        of_keys = arm.get("properties", {}).get(part, arm.get("additionalProperties"))
        found = arm.get("items") if isinstance(part, int) else of_keys
        if isinstance(found, dict):
            return found
    return {}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
