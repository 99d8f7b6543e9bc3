"""Reads ``--set key=value``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.spec.scalars import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["read_settings"]


def read_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Return settings of the context: values as in a spec, and JSON where one begins with ``[``, ``{`` or ``"``.

    Args:
        pairs: Texts of the form ``key=value``.

    Raises:
        UsageError: One has no key or no ``=``.
    """
    found = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {pair}: there is no key or no value", remedy="Write --set KEY=VALUE.")
        found[key.strip()] = _value(text)
    return found


def _value(text: str) -> Any:
    if text.lstrip()[:1] in ("[", "{", '"'):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    value = resolve(text.strip()) if text.strip() else text
    return text if isinstance(value, str) or value in (float("inf"), float("-inf")) else value
