"""Divides texts into sentences, and says how informative each one is among the others."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from math import log, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Sentence", "divide", "weights"]

# Behind the end of a sentence and the space after it, or behind a line.
_END = re.compile(r"(?<=[.!?])[ \t]+|(?<=[\u3002\uff01\uff1f])|\n+")
_WORD = re.compile(r"\w+")

_LONGEST = 600
"""Characters of a piece: what has no full stop, such as a log, is divided all the same."""


class Sentence(NamedTuple):
    """A piece of a text."""

    entry: int
    """Which of the texts it is from."""
    text: str


def divide(texts: Sequence[str]) -> list[Sentence]:
    """Divide texts into sentences and lines, blank ones left out, in their order."""
    return [
        Sentence(index, piece[start : start + _LONGEST])
        for index, text in enumerate(texts)
        for piece in map(str.strip, _END.split(text))
        for start in range(0, len(piece), _LONGEST)
    ]


def weights(sentences: Sequence[Sentence]) -> list[float]:
    """Return how near each sentence is to what all of them are about, from 0 to 1.

    Words count by tf-idf; the measure is the cosine between a sentence and the sum of all.
    """
    counts = [Counter(word.lower() for word in _WORD.findall(sentence.text)) for sentence in sentences]
    spread = Counter(word for count in counts for word in count)
    total: defaultdict[str, float] = defaultdict(float)
    vectors = []
    for count in counts:
        vector = {word: n * log((1 + len(counts)) / spread[word]) for word, n in count.items()}
        vectors.append(vector)
        for word, weight in vector.items():
            total[word] += weight
    length = _length(total)
    return [_cosine(vector, total, length) for vector in vectors]


def _cosine(vector: Mapping[str, float], total: Mapping[str, float], length: float) -> float:
    own = _length(vector)
    return sum(weight * total[word] for word, weight in vector.items()) / (own * length) if own else 0.0


def _length(vector: Mapping[str, float]) -> float:
    return sqrt(sum(weight * weight for weight in vector.values()))
