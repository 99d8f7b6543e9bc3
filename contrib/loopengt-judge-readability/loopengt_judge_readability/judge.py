"""The judge ``readability``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.display import one_line
from loopengt_hookspecs.judges import JudgeError, JudgeVerdict

from loopengt_judge_readability.counting import Counts, count, prose, texts_of
from loopengt_judge_readability.options import ReadabilityOptions

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.judges import JudgeRequest
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["Readability", "ReadabilityJudge"]

MOST_CHARACTERS = 500_000
"""More is not measured, but refused: a score of a part would be one of something else."""


class Readability:
    """Makes the judges."""

    options = ReadabilityOptions
    asks = False

    def bind(self, spec: JudgeSpec, project: Path) -> ReadabilityJudge:
        """Make the judge of one declaration."""
        return ReadabilityJudge(ReadabilityOptions.model_validate(spec.options))


class ReadabilityJudge:
    """Measures a text.

    Args:
        options: How.
    """

    def __init__(self, options: ReadabilityOptions) -> None:
        self._options = options

    def plan(self) -> str:
        """Say what a verdict executes."""
        target, zero_at = self._options.scale
        return f"{self._options.formula.label} ({self._options.language}): {target:g} scores 1, {zero_at:g} scores 0"

    def missing(self) -> list[MissingRequirement]:
        """Return nothing: the formulas need no more than Python."""
        return []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Measure the output.

        Raises:
            JudgeError: It has too few words, or too many characters, to be measured.
        """
        counts = self._counts(request.output)
        value = self._options.formula.value(counts, self._options.language)
        target, zero_at = self._options.scale
        score = min(1.0, max(0.0, (value - zero_at) / (target - zero_at)))
        return JudgeVerdict(score, self._words(counts, value, score), details=self._details(counts, value))

    def _counts(self, output: Any) -> Counts:
        text = texts_of(output)
        if len(text) > MOST_CHARACTERS:
            raise JudgeError(f"the output has {len(text)} characters; at most {MOST_CHARACTERS} are measured")
        counts = count(prose(text, markdown=self._options.markdown), self._options.language)
        if counts.words < self._options.min_words:
            raise JudgeError(
                f"the output has {counts.words} words, too few to be measured: {self._options.min_words} are needed",
                remedy="Judge a longer text, or set min_words.",
            )
        return counts

    def _words(self, counts: Counts, value: float, score: float) -> str:
        target, zero_at = self._options.scale
        side = "or more" if target > zero_at else "or less"
        length, weight = counts.words / counts.sentences, counts.syllables / counts.words
        told = (
            f"{self._options.formula.label} is {value:.1f}; {target:g} {side} is wanted. "
            f"Sentences have {length:.1f} words, words {weight:.2f} syllables on average."
        )
        if score == 1.0:
            return told
        longest = one_line(counts.longest, 80)
        return (
            f"{told} Write shorter sentences, and shorter words. "
            f"The longest sentence has {counts.longest_words} words and begins: {longest}"
        )

    def _details(self, counts: Counts, value: float) -> dict[str, Any]:
        target, zero_at = self._options.scale
        return {
            "metric": self._options.metric,
            "language": self._options.language,
            "value": round(value, 3),
            "target": target,
            "zero_at": zero_at,
            "sentences": counts.sentences,
            "words": counts.words,
            "syllables": counts.syllables,
            "polysyllables": counts.polysyllables,
            "long_words": counts.long_words,
        }
