"""Bytes of files as text for a model, within limits."""

from __future__ import annotations

import os

__all__ = ["BOM", "cut", "is_binary", "printable", "within"]

BOM = b"\xef\xbb\xbf"
_SNIFFED = 8_192


def is_binary(head: bytes) -> bool:
    """Whether a file that begins like this is no text, as git decides it: there is a zero byte early in it."""
    return b"\0" in head[:_SNIFFED]


def printable(name: str) -> str:
    """A file's name as text on one line: bytes that are not UTF-8 become U+FFFD, control characters escapes."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def cut(data: bytes, most: int) -> bytes:
    """The first bytes, without the start of a character that does not fit."""
    if len(data) <= most:
        return data
    end = most
    while end > max(0, most - 3) and data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end]


def within(text: str, most: int, note: str) -> str:
    """A text of at most so many bytes; a longer one is cut, and the note says what to do about the rest."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return text
    return f"{cut(data, most).decode('utf-8', 'replace')}\n[{note}]"
