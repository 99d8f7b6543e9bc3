"""The formulas: each makes one number of what was counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_judge_readability.counting import Counts

__all__ = ["FORMULAS", "LANGUAGES", "Formula"]

LANGUAGES = ("en", "de", "es", "fr", "it")

_EASE = {
    "en": (206.835, 1.015, 84.6),
    "de": (180.0, 1.0, 58.5),
    "es": (206.84, 1.02, 60.0),
    "fr": (207.0, 1.015, 73.6),
    "it": (217.0, 1.3, 60.0),
}
"""Constant, weight of the words a sentence, weight of the syllables a word, as published by Flesch; Amstad; Fernández
Huerta; Kandel and Moles; Franchina and Vacca."""


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula."""

    label: str
    value: Callable[[Counts, str], float]
    """Makes the number, given a language."""
    target: float
    """What is good, where nothing else is said."""
    zero_at: float
    """What is as bad as can be, where nothing else is said; on which side of the target says which way is easier."""
    languages: tuple[str, ...] = ("en",)


def _ease(counts: Counts, language: str) -> float:
    constant, sentence, word = _EASE[language]
    return constant - sentence * counts.words / counts.sentences - word * counts.syllables / counts.words


def _grade(counts: Counts, _: str) -> float:
    return 0.39 * counts.words / counts.sentences + 11.8 * counts.syllables / counts.words - 15.59


def _fog(counts: Counts, _: str) -> float:
    return 0.4 * (counts.words / counts.sentences + 100 * counts.polysyllables / counts.words)


def _smog(counts: Counts, _: str) -> float:
    return 1.0430 * sqrt(30 * counts.polysyllables / counts.sentences) + 3.1291


def _automated(counts: Counts, _: str) -> float:
    return 4.71 * counts.letters / counts.words + 0.5 * counts.words / counts.sentences - 21.43


def _coleman_liau(counts: Counts, _: str) -> float:
    return 5.88 * counts.letters / counts.words - 29.6 * counts.sentences / counts.words - 15.8


def _lix(counts: Counts, _: str) -> float:
    return counts.words / counts.sentences + 100 * counts.long_words / counts.words


FORMULAS: dict[str, Formula] = {
    "flesch_reading_ease": Formula("Flesch reading ease", _ease, 60, 0, LANGUAGES),
    "flesch_kincaid_grade": Formula("Flesch-Kincaid grade", _grade, 8, 18),
    "gunning_fog": Formula("Gunning fog index", _fog, 10, 20),
    "smog": Formula("SMOG grade", _smog, 9, 18),
    "automated_readability_index": Formula("automated readability index", _automated, 8, 18),
    "coleman_liau": Formula("Coleman-Liau index", _coleman_liau, 8, 18),
    "lix": Formula("LIX", _lix, 40, 70, LANGUAGES),
}
"""By the name that the option ``metric`` takes."""
