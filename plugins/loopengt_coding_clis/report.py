"""What a coding CLI has told of its turn so far; the readers of the dialects fill it in, event by event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["NOTHING", "Report", "count", "items", "mapping", "money", "text"]

NOTHING: Any = object()
"""Stands where no structured output was given; None is one."""

_ABSURD = 10**15
_MOST_TEXT = 4_000


def mapping(value: object) -> Mapping[str, Any]:
    """The value, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value, if it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The value, if it is a text; else an empty one."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    """The value, if it is a sane number of something; else 0."""
    return int(money(value) or 0)


def money(value: object) -> float | None:
    """The value, if it is a sane amount of US dollars; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _ABSURD else None


class Report:
    """One turn, as far as it was told.

    Args:
        progress: Shown what the model writes.
        emit: Takes the events of tools: type and data.
        by: The provider's name, which those events carry.
    """

    def __init__(
        self, progress: Callable[[str], None], emit: Callable[[str, dict[str, Any]], None], by: str
    ) -> None:
        self._progress = progress
        self._emit = emit
        self._by = by
        self._tools: dict[str, str] = {}
        self.session_id = ""
        self.model = ""
        self.result = ""
        """The answer."""
        self.pieces: list[str] = []
        """Parts of the answer, of a CLI that does not repeat it at the end."""
        self.structured: Any = NOTHING
        """The answer as data, of a CLI that was given a schema."""
        self.ended = False
        """Whether the event came that ends a turn."""
        self.closed = False
        """Whether nothing but the program's exit can follow."""
        self.failed = False
        """Whether the CLI says that the turn has failed."""
        self.error = ""
        """Why, in its words."""
        self.status = 0
        """HTTP status of the model's service behind that; 0: not told."""
        self.limited = False
        """Whether its service takes nothing more for a while."""
        self.resets_at: float | None = None
        """When it does again, in seconds since 1970; None: not told."""
        self.resets_in: float | None = None
        """The same in seconds from now."""
        self.usage: dict[str, int] = {}
        """Tokens by kind; of ``cumulative`` those of the whole session."""
        self.cost_usd: float | None = None
        self.facts: dict[str, Any] = {}
        """Further facts for the record."""

    def says(self, words: str) -> None:
        """The model has written this."""
        if words:
            self._progress(words)

    def ends(self, *, closed: bool = True) -> None:
        """The turn is over."""
        self.ended = True
        self.closed = closed

    def goes_on(self) -> None:
        """It was not over after all."""
        self.ended = self.closed = False

    def fails(self, why: str, status: int = 0) -> None:
        """The turn has failed; the first reason that says something counts."""
        self.failed = True
        self.error = self.error or why
        self.status = self.status or status

    def uses(self, tokens: Mapping[str, int]) -> None:
        """Take a count of tokens by kind in place of the former one; kinds of none are left out."""
        self.usage = {kind: number for kind, number in tokens.items() if number}

    def uses_more(self, tokens: Mapping[str, int]) -> None:
        """Add a count of tokens by kind."""
        self.uses({kind: self.usage.get(kind, 0) + tokens.get(kind, 0) for kind in {*self.usage, *tokens}})

    def calls_tool(self, name: str, given: object, call_id: str = "") -> None:
        """The CLI has called a tool of its own."""
        if call_id:
            self._tools[call_id] = name
        self._note("tool.call", name, call_id, input=_capped(given))

    def tool_returned(self, call_id: str, output: object, *, failed: bool = False, name: str = "") -> None:
        """A tool has returned, or failed."""
        name = name or self._tools.get(call_id, "")
        if failed:
            self._note("tool.error", name, call_id, error=_capped(output))
        else:
            self._note("tool.result", name, call_id, output=_capped(output))

    def _note(self, kind: str, name: str, call_id: str, **data: Any) -> None:
        event = {"tool": name or "unknown", **data, "by": self._by}
        self._emit(kind, event | {"call_id": call_id} if call_id else event)


def _capped(value: object) -> Any:
    """The value, if it is small; else its beginning as text: the whole is in the transcript."""
    import msgspec

    written = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(written) <= _MOST_TEXT:
        return value
    return f"{written[:_MOST_TEXT]}… ({len(written):,} characters)"
