"""Finds the sentences and words of a text, and counts what the formulas need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from loopengt_judge_readability.syllables import syllables

__all__ = ["Counts", "count", "prose", "texts_of"]

_WORD = re.compile(r"[^\W_]+(?:['\u2019\u2010-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?\u2026]+(?=[\"')\]\u00bb\u201c\u201d]*(?:\s|$))|\n")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_MARKUP = (
    (re.compile(r"`[^`\n]{0,1000}`"), " code "),
    (re.compile(r"!?\[([^\[\]\n]{0,1000})\]\([^)\s]{0,1000}\)"), r"\1"),
    (re.compile(r"<?https?://[^\s>)]+>?"), " "),
    (re.compile(r"^[ \t]*\|?[ \t:|-]+\|?[ \t]*$", re.MULTILINE), ""),
)
_ITEM = re.compile(r"[-*+][ \t]|\d{1,4}[.)][ \t]|>")
_SHORT_FORMS = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Ms|Dr|Prof|St|No|z\.B|d\.h|bzw|Sr|Sra|M|Mme)\.")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a text consists of."""

    sentences: int
    words: int
    syllables: int
    letters: int
    """Letters and digits."""
    polysyllables: int
    """Words of three syllables and more."""
    long_words: int
    """Words of seven letters and more."""
    longest: str
    """The sentence with the most words."""
    longest_words: int


def texts_of(output: Any) -> str:
    """Return the text of an output; of JSON data all its texts, a paragraph each, without the keys."""
    found: list[str] = []
    waiting = [output]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
    return "\n\n".join(found)


def prose(text: str, *, markdown: bool) -> str:
    """Return running text, one paragraph a line; headings, items and cells of a table end as a paragraph does.

    Args:
        text: The text.
        markdown: Whether it is Markdown, whose code, addresses and marks are left out.
    """
    text = text.replace("\r\n", "\n")
    if markdown:
        text = _FENCE.sub("\n", text)
        for pattern, instead in _MARKUP:
            text = pattern.sub(instead, text)
    paragraphs: list[list[str]] = [[]]
    for line in map(str.strip, text.split("\n")):
        if markdown and line.startswith("|"):
            paragraphs += [*([cell] for cell in line.split("|")), []]
        elif markdown and line.startswith("#"):
            paragraphs += [[line], []]
        elif not line or (markdown and _ITEM.match(line)):
            paragraphs.append([line])
        else:
            paragraphs[-1].append(line)
    return "\n".join(" ".join(lines) for lines in paragraphs if any(lines))


def count(text: str, language: str) -> Counts:
    """Count what is in running text; see ``prose``."""
    text = _SHORT_FORMS.sub(lambda match: match[0].replace(".", ""), text)
    sentences = [(sentence, _WORD.findall(sentence)) for sentence in _SENTENCE_END.split(text)]
    sentences = [(sentence, words) for sentence, words in sentences if words]
    words = [word for _, own in sentences for word in own]
    counted = [syllables(word, language) for word in words]
    lengths = [sum(map(str.isalnum, word)) for word in words]
    longest, its_words = max(sentences, key=lambda pair: len(pair[1]), default=("", []))
    return Counts(
        sentences=len(sentences),
        words=len(words),
        syllables=sum(counted),
        letters=sum(lengths),
        polysyllables=sum(number >= 3 for number in counted),
        long_words=sum(length >= 7 for length in lengths),
        longest=longest.strip(),
        longest_words=len(its_words),
    )
