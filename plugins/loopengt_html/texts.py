"""Keeps the long texts of a page within a budget: the most important as they are, the rest compressed, then cut."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

__all__ = ["SHORT", "Rank", "Texts", "as_json", "packed"]

SHORT = 240
"""Characters of a text that needs no place of its own."""

_ESCAPED = re.compile("[<>&\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_INLINE_EACH = 20_000
_INLINE_ALL = 400_000
_CHUNK = 600_000
_SMALLEST_CHUNK = 20_000
_MOST_MISSES = 6
"""Texts that did not fit after which no more are tried: compressing 50 MB in vain takes long."""

_HEAD = 300
_MOST_HEADS = 1_000
_LONGEST = {0: 600_000, 1: 600_000, 2: 300_000}
_LONGEST_OTHER = 150_000


class Rank(IntEnum):
    """How important a text is; what is lower gets its place first."""

    FAILURE = 0
    LATEST = 1
    OUTPUT = 2
    PROMPT = 3
    CALL = 4
    OTHER = 5


@dataclass(slots=True)
class _Text:
    text: str
    kind: str
    rank: int
    seq: int


def as_json(value: Any) -> str:
    """Write a value as JSON that can stand in any HTML document and any encoding.

    ``<``, ``>`` and ``&`` are escaped, and so are line separators, what reorders or hides text, and lone surrogates.
    """
    text = _dump(value, (",", ":"))
    text = _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8", "backslashreplace").decode()


def packed(value: Any) -> str:
    """Write a value as compressed JSON, in base64."""
    data = _dump(value, (",", ":"))
    return base64.b64encode(gzip.compress(data.encode("utf-8", "backslashreplace"), 6, mtime=0)).decode()


class Texts:
    """The long texts of one page. What is the same is kept once."""

    def __init__(self) -> None:
        self._texts: list[_Text] = []
        self._known: dict[tuple[str, str], int] = {}
        self._misses = 0
        self._values: dict[int, tuple[Any, str]] = {}

    def put(self, value: Any, rank: Rank, seq: int) -> Any:
        """Take a text or other JSON data, and return what stands for it.

        Args:
            value: Anything that JSON can hold.
            rank: How important it is.
            seq: Where it comes from; of equals, what is later comes first.

        Returns:
            None, a short text itself, ``{"j": short JSON}``, or ``{"t": number of the text}``.
        """
        if value is None or value == "":
            return None
        kind, text = ("t", value) if isinstance(value, str) else ("j", self._write(value))
        if len(text) <= SHORT:
            return text if kind == "t" else {"j": text}
        at = self._known.get((kind, text))
        if at is None:
            at = self._known[kind, text] = len(self._texts)
            self._texts.append(_Text(text, kind, rank, seq))
        else:
            known = self._texts[at]
            known.rank, known.seq = min(known.rank, rank), max(known.seq, seq)
        return {"t": at}

    def pack(self, budget: int) -> tuple[list[dict[str, Any]], list[str]]:
        """Give each text its place.

        Args:
            budget: Bytes that they may take in the page.

        Returns:
            An entry for each text, by its number: ``n`` (characters), ``k`` (``j`` for JSON), ``cut`` (characters
            that are left out), and ``s`` (the text), ``p`` and ``i`` (its pack, and its place there) or ``h`` (how it
            begins, when there is no place for it); and the packs, each compressed JSON in base64.
        """
        table: list[dict[str, Any]] = [_entry(text) for text in self._texts]
        order = sorted(range(len(table)), key=lambda at: (self._texts[at].rank, -self._texts[at].seq))
        rest, left = self._inline(order, table, min(_INLINE_ALL, budget // 3))
        budget -= min(_INLINE_ALL, budget // 3) - left
        packs: list[str] = []
        chunk: list[int] = []
        size = 0
        for at in rest:
            chunk.append(at)
            size += min(len(self._texts[at].text), self._longest(at))
            if size >= _CHUNK:
                budget = self._add(chunk, table, packs, budget)
                chunk, size = [], 0
        self._add(chunk, table, packs, budget)
        heads = 0
        for at in rest:
            entry = table[at]
            if "p" not in entry:
                entry["h"] = self._texts[at].text[:_HEAD] if heads < _MOST_HEADS else ""
                entry["cut"] = entry["n"] - len(entry["h"])
                heads += 1
        return table, packs

    def _write(self, value: Any) -> str:
        known = self._values.get(id(value))
        if known is None:
            text = _dump(value, (", ", ": "))
            known = self._values[id(value)] = (value, text)  # the value is kept, so that its id stays its own
        return known[1]

    def _inline(self, order: list[int], table: list[dict[str, Any]], left: int) -> tuple[list[int], int]:
        rest: list[int] = []
        for at in order:
            text = self._texts[at].text
            if len(text) <= min(_INLINE_EACH, left):
                size = len(as_json(text).encode())
                if size <= min(2 * _INLINE_EACH, left):
                    table[at]["s"] = text
                    left -= size
                    continue
            rest.append(at)
        return rest, left

    def _add(self, chunk: list[int], table: list[dict[str, Any]], packs: list[str], budget: int) -> int:
        """Make a pack of some texts, or packs of its halves as long as they fit; return what is left."""
        if not chunk or budget < _SMALLEST_CHUNK or self._misses >= _MOST_MISSES:
            return budget
        shown = [self._cut(at) for at in chunk]
        pack = packed(shown)
        if len(pack) > budget:
            if len(chunk) == 1:
                self._misses += 1
                return budget
            half = len(chunk) // 2
            left = self._add(chunk[:half], table, packs, budget)
            return self._add(chunk[half:], table, packs, left)
        for place, at in enumerate(chunk):
            table[at]["p"], table[at]["i"] = len(packs), place
            if len(shown[place]) < table[at]["n"]:
                table[at]["cut"] = table[at]["n"] - self._longest(at)
        packs.append(pack)
        return budget - len(pack)

    def _longest(self, at: int) -> int:
        return _LONGEST.get(self._texts[at].rank, _LONGEST_OTHER)

    def _cut(self, at: int) -> str:
        text, longest = self._texts[at].text, self._longest(at)
        if len(text) <= longest:
            return text
        tail = longest // 4
        return f"{text[: longest - tail]}\n… {len(text) - longest:,} characters are left out here …\n{text[-tail:]}"


def _dump(value: Any, separators: tuple[str, str]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=separators, default=str, allow_nan=False)
    except ValueError:  # JSON, as browsers read it, has no infinity
        return json.dumps(_finite(value), ensure_ascii=False, separators=separators, default=str)


def _finite(value: Any) -> Any:
    """Return a value with words in place of infinities and of what is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _entry(text: _Text) -> dict[str, Any]:
    entry: dict[str, Any] = {"n": len(text.text)}
    if text.kind == "j":
        entry["k"] = "j"
    return entry
