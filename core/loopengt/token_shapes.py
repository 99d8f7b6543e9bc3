"""Finds tokens by what they look like: keys of well-known services, private keys, and what stands behind Bearer.

Each shape has an anchor, a few characters that all its tokens begin with, so that a text without one costs a search
for these characters and no more. Nothing is looked at twice: time grows with the length of a text, whatever it holds.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["may_hold_tokens", "without_tokens"]


def _edge(characters: str) -> str:
    """Match where no longer word goes on; behind an escape of JSON, such as the n of a line break, one begins."""
    return rf"(?:(?<![{characters}])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{{4}}))"


_WORD = "A-Za-z0-9_-"
_PLAIN = "A-Za-z0-9"
_DIGIT_SOON = r"(?=[A-Za-z_-]{0,300}[0-9])"  # else it may be words that are joined by dashes

_SOURCES: tuple[tuple[str, str], ...] = (
    ("sk-", rf"{_edge(_WORD)}sk-{_DIGIT_SOON}[{_WORD}]{{16,}}"),
    ("k_live_", rf"(?<=[sr])k_live_[{_PLAIN}]{{16,}}"),
    ("github_pat_", rf"{_edge('A-Za-z0-9_')}github_pat_[A-Za-z0-9_]{{20,}}"),
    *((f"gh{kind}_", rf"{_edge('A-Za-z0-9_')}gh{kind}_[{_PLAIN}]{{20,}}") for kind in "pousr"),
    ("glpat-", rf"{_edge(_WORD)}glpat-[{_WORD}]{{20,}}"),
    *((f"xox{kind}-", rf"{_edge('A-Za-z0-9-')}xox{kind}-[A-Za-z0-9-]{{10,}}") for kind in "abeoprs"),
    ("xapp-", rf"{_edge('A-Za-z0-9-')}xapp-{_DIGIT_SOON}[A-Za-z0-9-]{{10,}}"),
    ("AKIA", rf"{_edge(_PLAIN)}AKIA[A-Z0-9]{{16}}(?![{_PLAIN}])"),
    ("ASIA", rf"{_edge(_PLAIN)}ASIA[A-Z0-9]{{16}}(?![{_PLAIN}])"),
    ("AIza", rf"{_edge(_WORD)}AIza[{_WORD}]{{35}}(?![{_WORD}])"),
    ("hf_", rf"{_edge('A-Za-z0-9_')}hf_[{_PLAIN}]{{30,}}"),
    ("npm_", rf"{_edge('A-Za-z0-9_')}npm_[{_PLAIN}]{{36}}"),
    ("eyJ", rf"{_edge(_WORD)}eyJ[{_WORD}]{{8,}}\.eyJ[{_WORD}]{{8,}}\.[{_WORD}]*"),
    *(
        (
            f"{word[1:]} ",
            rf"(?<=[{word[0].upper()}{word[0].lower()}]){word[1:]} {{1,4}}"
            rf"(?=[A-Za-z._~+/=-]{{0,300}}[0-9])(?P<token>[A-Za-z0-9._~+/=-]{{12,}})",
        )
        for word in ("Bearer", "BEARER")
    ),
    *(
        (
            word,
            rf"(?<=[Aa]){word}[\"'\\]{{0,4}} {{0,4}}[:=][\"'\\ ]{{0,6}}"
            r"(?:Bearer|bearer|Basic|basic|Token|token|ApiKey|Bot) {1,4}(?P<token>[A-Za-z0-9._~+/=:-]{4,})",
        )
        for word in ("uthorization", "UTHORIZATION")
    ),
)

_KEY_HEAD = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_KEY_FOOT = r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_KEY_BODY = r"[A-Za-z0-9+/=\\\s]*"  # what there is of one whose end was cut off
_LONGEST_KEY = 20_000


_BEGIN, _END = "-----BEGIN ", "-----END "

_compiled = cache(re.compile)  # when it is needed, which is seldom
_anchors = [_BEGIN.encode(), *(anchor.encode() for anchor, _ in _SOURCES)]


def may_hold_tokens(data: bytes) -> bool:
    """Whether there may be a token in UTF-8 bytes; quick, and never wrong in saying that there is none."""
    return any(anchor in data for anchor in _anchors)


def without_tokens(text: str, mark: str) -> str:
    """Return a text with ``mark`` in the place of each token; JSON in it stays JSON."""
    for anchor, token in _SOURCES:
        if anchor in text:
            text = _replaced(text, _tokens(text, anchor, _compiled(token)), mark)
    return _replaced(text, _keys(text), mark) if _BEGIN in text else text


def _replaced(text: str, spans: Iterable[tuple[int, int]], mark: str) -> str:
    parts: list[str] = []
    done = 0
    for begin, end in spans:
        parts += [text[done:begin], mark]
        done = end
    return "".join([*parts, text[done:]]) if parts else text


def _tokens(text: str, anchor: str, token: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    group = "token" if "token" in token.groupindex else 0
    at = text.find(anchor)
    while at >= 0:
        found = token.match(text, at)
        if found is not None:
            yield found.span(group)
        at = text.find(anchor, at + 1 if found is None else found.end())


def _keys(text: str) -> Iterator[tuple[int, int]]:
    at, foot = text.find(_BEGIN), 0
    while at >= 0:
        head = _compiled(_KEY_HEAD).match(text, at)
        done = at + 1
        if head is not None:
            if 0 <= foot < head.end():  # looked for once, not once for each beginning
                foot = text.find(_END, head.end())
            done = _end_of_key(text, head.end(), foot)
            yield at, done
        at = text.find(_BEGIN, done)


def _end_of_key(text: str, begin: int, foot: int) -> int:
    # A quotation mark is part of no key: a text of JSON ends there.
    if 0 <= foot - begin < _LONGEST_KEY and '"' not in text[begin:foot]:
        closing = _compiled(_KEY_FOOT).match(text, foot)
        if closing is not None:
            return closing.end()
    body = _compiled(_KEY_BODY).match(text, begin)
    end = begin if body is None else body.end()
    slashes = 0
    while text[end - slashes - 1 : end - slashes] == "\\":
        slashes += 1
    return end - slashes % 2  # the last one belongs to what follows, such as a quotation mark
