"""Metadata as rows that can be looked up, and filters on them as conditions of SQL."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EVERY", "Filter", "encode", "facts", "make_filter"]

_LONGEST = 128


class Filter(NamedTuple):
    """A condition, to be put behind others."""

    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    """Key, and the values that are fine."""

    def sql(self, number: str) -> str:
        """Return `` AND …`` for entries whose number is what the column ``number`` holds."""
        return "".join(
            " AND EXISTS (SELECT 1 FROM memory_metadata AS m WHERE m.key = ? AND m.value IN"  # noqa: S608 - ours
            f" ({', '.join('?' * len(values))}) AND m.no = {number})"
            for _, values in self.conditions
        )

    def numbers_sql(self) -> str:
        """Return a query for the numbers, between two that follow the other values, that meet the first condition."""
        marks = ", ".join("?" * len(self.conditions[0][1]))
        return f"SELECT no FROM memory_metadata WHERE key = ? AND value IN ({marks}) AND no BETWEEN ? AND ?"  # noqa: S608 - ours

    @property
    def values(self) -> list[str]:
        """What the question marks stand for."""
        return [text for key, values in self.conditions for text in (key, *values)]


EVERY = Filter(())
"""Takes every entry."""


def make_filter(wanted: Mapping[str, Any] | None) -> Filter:
    """Return the condition that all keys have the values that are named; any item of a list is fine.

    Raises:
        UsageError: The filter is no JSON data.
    """
    if not wanted:
        return EVERY
    conditions = []
    for key, value in wanted.items():
        choices = value if isinstance(value, list | tuple) else [value]
        conditions.append((_clean(key), tuple(_comparable(choice) for choice in choices)))
    return Filter(tuple(conditions))


def facts(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return key and comparable value of all metadata.

    Raises:
        UsageError: It is no JSON data.
    """
    return [(_clean(key), _comparable(value)) for key, value in metadata.items()]


def encode(metadata: Mapping[str, Any]) -> str:
    """Return metadata as JSON text.

    Raises:
        UsageError: It is no JSON data.
    """
    return _json(metadata)


def _comparable(value: Any) -> str:
    """Write a value so that equal ones are the same text: 1 and 1.0 are equal, 1 and true are not."""
    text = _json(_plain(value))
    return text if len(text) <= _LONGEST else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _json(value: Any) -> str:
    try:
        # ASCII: half a surrogate pair, which JSON allows and UTF-8 does not, stays what it is.
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"the metadata of a memory is no JSON data: {error}",
            remedy="Use texts, numbers, true, false, null, lists and objects.",
        ) from error


def _clean(key: str) -> str:
    if not isinstance(key, str):
        raise UsageError(f"the metadata's key {key!r} is no text", remedy="Use texts as keys.")
    return key.encode("utf-8", "replace").decode()
