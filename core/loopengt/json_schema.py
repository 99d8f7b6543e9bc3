"""JSON Schemas that stand for themselves: compiled once, with violations in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NoReturn

import jsonschema_rs

__all__ = ["MOST", "JsonSchema", "SchemaProblem", "listed"]

MOST = 20
"""Violations that are shown."""
_LONGEST = 300


class SchemaProblem(ValueError):
    """Something is not a JSON Schema, or refers to another document."""


class JsonSchema:
    """A compiled JSON Schema (2020-12, unless ``$schema`` names another draft).

    Args:
        schema: The schema. References may only point into itself.

    Raises:
        SchemaProblem: It cannot be used.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            self._validator = jsonschema_rs.validator_for(dict(schema), retriever=_refuse)
        except (jsonschema_rs.ValidationError, ValueError) as error:
            said = error.message if isinstance(error, jsonschema_rs.ValidationError) else str(error)
            where = _path(error.instance_path) if isinstance(error, jsonschema_rs.ValidationError) else "$"
            raise SchemaProblem(f"at {where}: {_short(said)}") from None

    def violations(self, value: Any) -> list[str]:
        """Return what is wrong with JSON data, as ``$.path: words``; at most 21 of them. Empty: it is valid."""
        return [
            f"{_path(error.instance_path)}: {_short(error.message)}"
            for error in islice(self._validator.iter_errors(value), MOST + 1)
        ]


def listed(violations: Sequence[str]) -> str:
    """Return violations as a list in text, for a model or a person."""
    more = "\n- and more" if len(violations) > MOST else ""
    return "\n".join(f"- {violation}" for violation in violations[:MOST]) + more


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is another document, and none is fetched")


def _path(parts: Any) -> str:
    named = [f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{part!r}]" for part in parts]
    return "$" + "".join(named)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
