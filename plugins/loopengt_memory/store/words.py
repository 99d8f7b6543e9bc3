"""Makes words of texts: those that are indexed, and those that a query looks for."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

__all__ = ["indexed", "terms"]

# Scripts that are written without spaces between words: each character is indexed as a word, and a query looks for
# pairs of neighbours.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff"
_CHARACTER = re.compile(f"([{_UNSPACED}])")
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")

_MOST_TERMS = 64
"""A query looks for so many words at most; a longer text says with its first ones what it is about."""

_LONGEST_TERM = 256
"""Characters of a word; a longer one is none that anybody would look for."""


def indexed(text: str) -> str:
    """Return a text as the index of words takes it."""
    return _CHARACTER.sub(r" \1 ", unicodedata.normalize("NFKC", text))


def terms(query: str) -> list[str]:
    """Return the words of a query, each written so that the index takes it literally."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(unicodedata.normalize("NFKC", query)):
        word = match[0].lower()
        if _CHARACTER.match(word):
            pairs = [f"{a} {b}" for a, b in pairwise(word)] or [word]
            found.update(dict.fromkeys(pairs))
        elif len(word) <= _LONGEST_TERM:
            found[word] = None
        if len(found) >= _MOST_TERMS:
            break
    return [f'"{term}"' for term in list(found)[:_MOST_TERMS]]
