"""The judge ``similarity``: how near the output is to what was expected."""

from __future__ import annotations

import sys
from collections import Counter
from difflib import SequenceMatcher
from math import fsum, hypot, isfinite
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from loopengt.naming import hint
from loopengt.processes import base_environment, run_program
from loopengt_hookspecs.errors import JudgeError, MissingRequirement, UsageError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.subjects import ComparingOptions, as_text, judged, reference

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.embedders import Embedder
    from loopengt_hookspecs.judges import JudgeRequest
    from loopengt_hookspecs.models import JudgeSpec
    from loopengt_hookspecs.registration import Components, PluginContext

__all__ = ["SimilarityJudge"]

_AT_ONCE = 250_000
"""Pairs of characters that are compared in this process; more take their time, which nothing in it could end."""
_SECONDS = 20.0
_RATIO = """
import difflib, sys
size, rest = sys.stdin.buffer.read().split(b" ", 1)
one, other = rest[:int(size)].decode(), rest[int(size):].decode()
print(difflib.SequenceMatcher(None, one, other, False).ratio())
"""


class SimilarityOptions(ComparingOptions):
    """Options of the judge ``similarity``."""

    method: Literal["characters", "words"] = Field(
        default="characters",
        description="characters: the share of characters in common, in order; words: the share of words in common, "
        "in any order.",
    )
    embedder: str | None = Field(
        default=None,
        description="Name of a registered embedder: the score is the cosine of the angle between the two vectors, "
        "and method does not count.",
    )
    ignore_case: bool = Field(default=False, description="Whether capital letters do not count.")


class SimilarityJudge:
    """Compares the output with what is expected, as texts.

    Args:
        components: Where embedders are looked up.
        chosen: The options; None: it is the kind, and not yet a judge.
        project: The project folder.
    """

    options = SimilarityOptions
    asks = False

    def __init__(
        self, components: Components, chosen: SimilarityOptions | None = None, project: Path | None = None
    ) -> None:
        self._components = components
        self._chosen = chosen if chosen is not None else SimilarityOptions()
        self._project = project
        name = self._chosen.embedder
        self._embedder: Embedder | None = components.get("embedders", name) if name is not None else None

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it with what the kernel knows."""
        return cls(context.components)

    def bind(self, spec: JudgeSpec, project: Path) -> Self:
        """Make the judge of one declaration.

        Raises:
            UsageError: There is no such embedder.
        """
        chosen = SimilarityOptions.model_validate(spec.options)
        known = self._components.names("embedders")
        if chosen.embedder is not None and chosen.embedder not in known:
            raise UsageError(
                f"the judge {spec.label!r} names the embedder {chosen.embedder!r}, and no plugin provides it"
                f"{hint(chosen.embedder, known)}",
                remedy="loopengt plugins list shows all; without embedder, characters or words are compared.",
            )
        return type(self)(self._components, chosen, project)

    def plan(self) -> str:
        """Say what a verdict does."""
        how = f"by the embedder {self._chosen.embedder}" if self._embedder else f"by {self._chosen.method}"
        return f"compare with what is expected {how}"

    def missing(self) -> list[MissingRequirement]:
        """What the embedder lacks."""
        return self._embedder.missing() if self._embedder is not None else []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score with the similarity.

        Raises:
            JudgeError: Nothing is expected, or they cannot be compared.
            MissingRequirement: The embedder lacks something.
        """
        texts = [as_text(judged(self._chosen, request)), as_text(reference(self._chosen, request))]
        one, other = (text.casefold() if self._chosen.ignore_case else text for text in texts)
        if self._embedder is not None:
            score = await _embedded(self._embedder, one, other)
        elif self._chosen.method == "words":
            score = _words(one, other)
        else:
            score = await self._characters(one, other)
        return JudgeVerdict(score, f"it is {score:.0%} like what is expected")

    async def _characters(self, one: str, other: str) -> float:
        if one == other:
            return 1.0
        if len(one) * len(other) <= _AT_ONCE:
            return SequenceMatcher(None, one, other, False).ratio()
        first, second = (text.encode("utf-8", "replace") for text in (one, other))
        assert self._project is not None, "bind() makes the judge"
        result = await run_program(
            [sys.executable, "-I", "-S", "-c", _RATIO],
            cwd=self._project,
            env=base_environment(),
            stdin=b"%d %s%s" % (len(first), first, second),
            timeout=_SECONDS,
            grace_seconds=0,
        )
        if result.timed_out:
            raise JudgeError(
                f"texts of {len(one):,} and {len(other):,} characters take more than {_SECONDS:g} seconds to compare",
                remedy="Say method: words, or name an embedder.",
            )
        if result.exit_code != 0:
            raise JudgeError(f"the texts could not be compared: {result.err.text.strip()[-300:]}")
        return float(result.stdout)


def _words(one: str, other: str) -> float:
    """Return twice the words in common by all words, those that come often counted as often."""
    first, second = Counter(one.split()), Counter(other.split())
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


async def _embedded(embedder: Embedder, one: str, other: str) -> float:
    if not one.strip() or not other.strip():
        return 1.0 if one.strip() == other.strip() else 0.0  # there is nothing to embed
    vectors = await embedder.embed([one, other])
    if not isinstance(vectors, list) or len(vectors) != 2:
        raise JudgeError("the embedder did not return one vector a text")
    first, second = (_vector(vector) for vector in vectors)
    lengths = hypot(*first) * hypot(*second)
    if len(first) != len(second) or not lengths or not isfinite(lengths):
        raise JudgeError("the embedder returned vectors that cannot be compared")
    cosine = fsum(a * b for a, b in zip(first, second, strict=True)) / lengths
    return min(1.0, max(0.0, cosine))


def _vector(given: Any) -> list[float]:
    if not isinstance(given, list) or not all(
        isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) for value in given
    ):
        raise JudgeError("the embedder returned something that is no vector")
    return given
