"""Makes texts fit to be sent: within a length, and only what may be told. Secrets are out of them before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt_otel import conventions as names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_otel.telling.spans import Attributes

__all__ = ["Texts", "number", "usage"]

_SHORT = 256
_MESSAGE = 1_000
_LARGEST = 2**63 - 1


class Texts:
    """What may be told, and how much of it.

    Args:
        content: Whether prompts, outputs and the like may be told.
        limit: Most characters of one of those.
    """

    def __init__(self, *, content: bool = False, limit: int = 16_384) -> None:
        self._limit = limit
        self.content = content

    def name(self, value: Any) -> str:
        """A name of something; anything else than text becomes one."""
        return self._cut(value if isinstance(value, str) else "" if value is None else str(value), _SHORT)

    def message(self, value: Any) -> str:
        """What went wrong: its first line, and all of it when content may be told."""
        text = value if isinstance(value, str) else "" if value is None else str(value)
        return self._cut(text if self.content else text.strip().partition("\n")[0], _MESSAGE)

    def whole(self, value: Any) -> str:
        """Content: text as it is, all else as JSON."""
        return self._cut(value if isinstance(value, str) else _as_json(value, self._limit), self._limit)

    def messages(self, role: str, parts: list[dict[str, Any]], **more: Any) -> str:
        """One message, as the conventions have a conversation."""
        told = [
            {key: self.whole(value) if key in _LONG else value for key, value in part.items()}
            for part in parts
        ]
        return self.as_json([{"role": role, "parts": told, **more}])

    def as_json(self, value: Any) -> str:
        """JSON of what was made fit already."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def value(self, value: Any) -> str | bool | int | float:
        """A value of an attribute: a number or a switch as it is, all else as text."""
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return value if abs(value) <= _LARGEST else str(value)[:_SHORT]
        if isinstance(value, float):
            return value
        return self.name(value) if isinstance(value, str) else self._cut(_as_json(value, _SHORT), _SHORT)

    def _cut(self, text: str, limit: int) -> str:
        if len(text) > limit:
            text = text[: limit - 1] + "…"
        try:
            text.encode()
        except UnicodeEncodeError:  # protobuf takes no lone surrogates
            text = text.encode("utf-8", "replace").decode()
        return text


_LONG = frozenset({"content", "arguments", "response"})


def number(value: Any) -> float | None:
    """A number that is none of NaN and the infinities; None: it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e300 else None


def usage(tokens: Any) -> Attributes:
    """Attributes for tokens by kind."""
    if not isinstance(tokens, dict):
        return {}
    return {names.USAGE[kind]: count for kind, count in _counts(tokens).items() if kind in names.USAGE}


def _counts(tokens: Mapping[Any, Any]) -> dict[str, int]:
    return {
        str(kind): int(count)
        for kind, count in tokens.items()
        if number(count) is not None and 0 <= count <= _LARGEST
    }


def _as_json(value: Any, limit: int) -> str:
    """JSON of a value, at least as far as the limit: a large value is not written to its end."""
    pieces: list[str] = []
    length = 0
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        pieces.append(piece[: limit + 1])
        length += len(piece)
        if length > limit:
            break
    return "".join(pieces)
