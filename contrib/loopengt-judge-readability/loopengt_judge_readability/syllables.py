"""Counts the syllables of words by what they are spelled like; no dictionary is needed, and a few words are missed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["syllables"]

_VOWELS = re.compile(r"[aeiouy]+")
_SILENT_E = re.compile(
    r"(?:[^aeiouy]|[aeiouy][^aeiouyl])e$|[^aeioudty]ed$|(?:[^aeioucgshxyz])es$|[^aeiou]ely$|eless$|eful$"
)
_TWO = re.compile(
    r"ia(?!l\b|n\b|r\b)|[^cgst]ia[lnr]\b|[^cgstx]ious?|io(?!n|us)|[^cgstl]ion|^lion|eo(?!u|n\b|p)|iu|uou|"
    r"[^gq]ua(?!r)|[^gq]ue[lnt]|cre[ae]t|^react|theat|[aeiouy].*ea$|[^cths]ien[ct]|^scien|quiet|(?:^|[^aeiou])iet|"
    r"[aeiou]ing$|oe[mt]|ism$|ythm|yi"
)
"""Neighbouring vowels that belong to two syllables, and syllables without a vowel."""

_LE = re.compile(r"[^aeiouy]le[ds]?$")

_GERMAN = re.compile(r"ai|au|äu|ei|eu|ie|aa|ee|oo|[aeiouyäöüàáèéêô]")
_FRENCH = re.compile(
    r"eau|œu|aî|ai|au|ei|eu|eû|oi|oî|ou|où|oû|ay|oy|uy|i(?=[aeéèêo])|u(?=[ieéè])|[aeiouyàâäéèêëîïôöùûüœ]"
)
_FRENCH_GLIDES = re.compile(r"(?:i(?=[aeéèêo]|eu|on)|u(?=[ieéè]))(?=.)")
_STRONG = re.compile(r"[aeoáéíóúàèìòù]")
_WEAK = re.compile(r"(?<![aeoáéíóúàèìòùiuü])[iuü]+(?![aeoáéíóúàèìòùiuü])|(?<![aeoáéíóúiuü])y$")


@lru_cache(maxsize=20_000)
def syllables(word: str, language: str) -> int:
    """Return how many syllables a word has, at least 1.

    Args:
        word: The word, in any case.
        language: ``en``, ``de``, ``es``, ``fr`` or ``it``.
    """
    return max(1, _COUNTERS[language](word.casefold()[:100]))


def _english(word: str) -> int:
    found = len(_VOWELS.findall(word))
    found -= bool(_SILENT_E.search(word)) and not _LE.search(word)
    return found + len(_TWO.findall(word))


def _german(word: str) -> int:
    # An u behind a q is no vowel.
    return len(_GERMAN.findall(word.replace("qu", "q")))


def _french(word: str) -> int:
    word = word.replace("qu", "q").replace("gu", "g")
    spoken = re.sub(r"(?<=[^aeiouyéè])(?:e|es|ent)$", "", word) if len(_FRENCH.findall(word)) > 1 else word
    return len(_FRENCH.findall(spoken)) - len(_FRENCH_GLIDES.findall(spoken))


def _strong_and_weak(word: str) -> int:
    """Spanish and Italian: i and u make no syllable of their own beside another vowel, unless they are accented."""
    return len(_STRONG.findall(word)) + len(_WEAK.findall(word))


_COUNTERS: dict[str, Callable[[str], int]] = {
    "en": _english,
    "de": _german,
    "es": _strong_and_weak,
    "fr": _french,
    "it": _strong_and_weak,
}
