"""Finds tokens by what they look like: keys of well-known services, private keys, and what stands behind Bearer.

Each shape has an anchor, a few characters that all its tokens begin with, so that a text without one costs a search
for these characters and no more. Nothing is looked at twice: time grows with the length of a text, whatever it holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr, Generic, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["has_token", "without_tokens"]


class _Shape(NamedTuple, Generic[AnyStr]):
    anchor: AnyStr
    token: re.Pattern[AnyStr]
    """Matches from the anchor on; its group ``token``, or all of it, is the secret."""


def _edge(characters: str) -> str:
    """Match where no longer word goes on; behind an escape of JSON, such as the n of a line break, one begins."""
    return rf"(?:(?<![{characters}])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{{4}}))"


_WORD = "A-Za-z0-9_-"
_PLAIN = "A-Za-z0-9"
_DIGIT_SOON = rf"(?=[A-Za-z_-]{{0,300}}[0-9])"  # else it may be words that are joined by dashes

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

_TEXT = tuple(_Shape(anchor, re.compile(token)) for anchor, token in _SOURCES)
_BYTES = tuple(_Shape(anchor.encode(), re.compile(token.encode())) for anchor, token in _SOURCES)

_KEY_BEGIN, _KEY_END = "-----BEGIN ", "-----END "
_KEY_HEAD = r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_KEY_FOOT = r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_KEY_BODY = r"[A-Za-z0-9+/=\\\s]*"  # what there is of one whose end was cut off
_LONGEST_KEY = 20_000


class _KeyForm(NamedTuple, Generic[AnyStr]):
    begin: AnyStr
    end: AnyStr
    head: re.Pattern[AnyStr]
    foot: re.Pattern[AnyStr]
    body: re.Pattern[AnyStr]


_TEXT_KEY = _KeyForm(_KEY_BEGIN, _KEY_END, *map(re.compile, (_KEY_HEAD, _KEY_FOOT, _KEY_BODY)))
_BYTES_KEY = _KeyForm(
    _KEY_BEGIN.encode(),
    _KEY_END.encode(),
    *(re.compile(part.encode()) for part in (_KEY_HEAD, _KEY_FOOT, _KEY_BODY)),
)


def has_token(data: bytes) -> bool:
    """Whether there may be a token in some bytes; quick, and never wrong in saying that there is none."""
    return _KEY_BEGIN.encode() in data or any(shape.anchor in data for shape in _BYTES)


def without_tokens(data: AnyStr, mark: AnyStr) -> AnyStr:
    """Return text, or UTF-8 bytes such as encoded JSON, with each token replaced.

    Args:
        data: Anything; encoded JSON stays valid.
        mark: Takes the token's place.
    """
    if isinstance(data, bytes):
        shapes, key = _BYTES, _BYTES_KEY
    else:
        shapes, key = _TEXT, _TEXT_KEY  # type: ignore[assignment]  # of the same kind of text as ``data``
    for shape in shapes:
        if shape.anchor in data:
            data = _replaced(data, _tokens(data, shape), mark)  # type: ignore[arg-type]
    return _replaced(data, _keys(data, key), mark) if key.begin in data else data  # type: ignore[arg-type,operator]


def _replaced(data: AnyStr, spans: Iterable[tuple[int, int]], mark: AnyStr) -> AnyStr:
    parts: list[AnyStr] = []
    done = 0
    for begin, end in spans:
        parts += [data[done:begin], mark]
        done = end
    return mark[:0].join([*parts, data[done:]]) if parts else data


def _tokens(data: AnyStr, shape: _Shape[AnyStr]) -> Iterable[tuple[int, int]]:
    at = data.find(shape.anchor)
    group = "token" if "token" in shape.token.groupindex else 0
    while at >= 0:
        found = shape.token.match(data, at)
        if found is not None:
            yield found.span(group)
        at = data.find(shape.anchor, at + 1 if found is None else found.end())


def _keys(data: AnyStr, form: _KeyForm[AnyStr]) -> Iterable[tuple[int, int]]:
    at, foot = data.find(form.begin), 0
    while at >= 0:
        head = form.head.match(data, at)
        done = at + 1
        if head is not None:
            if 0 <= foot < head.end():  # found once, not once for each beginning
                foot = data.find(form.end, head.end())
            closing = form.foot.match(data, foot) if 0 <= foot - head.end() < _LONGEST_KEY else None
            if closing is not None and not _leaves_text(data, head.end(), foot):
                done = closing.end()
            else:
                body = form.body.match(data, head.end())
                done = head.end() if body is None else body.end()
                done -= _half_escape(data, done)
            yield at, done
        at = data.find(form.begin, done)


def _leaves_text(data: AnyStr, begin: int, end: int) -> bool:
    """Whether a text of encoded JSON ends in between: a quotation mark is part of no key."""
    part = data[begin:end]
    return (b'"' in part) if isinstance(part, bytes) else ('"' in part)


def _half_escape(data: AnyStr, end: int) -> int:
    """Count the backslashes before an end that what follows them needs, as before a quotation mark in JSON."""
    following = data[end : end + 1]
    if following not in (b'"', '"'):
        return 0
    slashes = 0
    while data[end - slashes - 1 : end - slashes] in (b"\\", "\\"):
        slashes += 1
    return slashes % 2
