"""Reads ``--set key=value``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.spec.scalars import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["merged", "read_settings"]


def read_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Read settings of the context.

    A value is what it would be in a spec: null, true, false, a number, or JSON where it begins with ``[``,
    ``{`` or ``"``; anything else, also nothing at all, is text. Dots in a key lead into objects.

    Args:
        pairs: Texts of the form ``key=value``.

    Raises:
        UsageError: One has no key or no ``=``, or sets something within a value that is no object.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        path = [part.strip() for part in key.split(".")]
        if not equals or not all(path):
            raise UsageError(f"--set {pair}: there is no key or no value", remedy="Write --set KEY=VALUE.")
        node = found
        for depth, part in enumerate(path[:-1], 1):
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise UsageError(
                    f"--set {pair}: {'.'.join(path[:depth])} is set to a value that is no object"
                )
        node[path[-1]] = _value(text)
    return found


def merged(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with the given values; objects are merged, everything else is replaced."""
    result = dict(base)
    for key, value in given.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if both else value  # type: ignore[arg-type]  # both are dicts
    return result


def _value(text: str) -> Any:
    text = text.encode("utf-8", "replace").decode()  # what was no UTF-8 on the command line
    if text.lstrip()[:1] in ("[", "{", '"'):
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return text
    value = resolve(text.strip()) if text.strip() else text
    return text if isinstance(value, str) or value in (float("inf"), float("-inf")) else value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
