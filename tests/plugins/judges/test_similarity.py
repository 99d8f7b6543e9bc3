"""The judge ``similarity``: by characters, by words, and by an embedder."""

from __future__ import annotations

from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt_hookspecs.errors import AgentError, JudgeError, MissingRequirement

if TYPE_CHECKING:
    from .conftest import Bench


class FakeEmbedder:
    """Returns the vectors that it is given, or raises."""

    model = "fake"

    def __init__(self, *vectors: Any) -> None:
        self.vectors = vectors
        self.texts: list[str] = []

    def missing(self) -> list[MissingRequirement]:
        """Nothing."""
        return []

    async def embed(self, texts: list[str]) -> Any:
        """Return the vectors."""
        self.texts = list(texts)
        if isinstance(self.vectors[0], Exception):
            raise self.vectors[0]
        return list(self.vectors)


def provide(bench: Bench, embedder: FakeEmbedder) -> None:
    """Register it as ``fake``."""

    @hookimpl
    def loopengt_register_embedders(register: Any) -> None:
        register("fake", embedder, summary="Made in the test")

    bench.plugins = [
        ("fake_embedder", SimpleNamespace(loopengt_register_embedders=loopengt_register_embedders))
    ]


@pytest.mark.parametrize(
    ("output", "expected", "options", "score"),
    [
        ("same", "same", {}, 1.0),
        ("abcd", "abxd", {}, 0.75),
        ("abcd", "wxyz", {}, 0.0),
        ("", "", {"expected": "", "of": "''"}, 1.0),
        ("", "abc", {}, 0.0),
        ("ABC", "abc", {"ignore_case": True}, 1.0),
        ("one two three four", "four two one three", {"method": "words"}, 1.0),
        ("one two", "one four", {"method": "words"}, 0.5),
        ("a a a a", "a", {"method": "words"}, 0.4),
    ],
)
async def test_texts(output: str, expected: str, options: dict[str, Any], score: float, bench: Bench) -> None:
    """The score is the share of characters, or of words, in common."""
    result = await bench.judge("similarity", output, options, expected=expected or None)
    assert result.score == pytest.approx(score)


async def test_long_texts_are_compared_apart_with_the_same_result(bench: Bench) -> None:
    """Texts too long for this process are compared in another, to the same score."""
    one, other = "ab" * 1000, "ab" * 900 + "xyz" * 60
    result = await bench.judge("similarity", one, expected=other)
    assert result.score == pytest.approx(2 * 1800 / (2000 + 1980))


async def test_texts_that_take_too_long_are_no_verdict(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that takes for ever is ended, and says what to do."""
    monkeypatch.setattr("loopengt_judges.similarity._SECONDS", 0.3)
    began = perf_counter()
    with pytest.raises(JudgeError, match="method: words"):
        await bench.judge("similarity", "ab" * 40_000, expected="ba" * 39_999)
    assert perf_counter() - began < 5


@pytest.mark.parametrize(
    ("vectors", "score"),
    [(([1, 0], [1, 0]), 1.0), (([1, 0], [0, 2]), 0.0), (([1, 0], [-1, 0]), 0.0), (([3, 4], [4, 3]), 0.96)],
)
async def test_an_embedder(vectors: Any, score: float, bench: Bench) -> None:
    """With an embedder the score is the cosine, and never below 0."""
    embedder = FakeEmbedder(*vectors)
    provide(bench, embedder)
    result = await bench.judge("similarity", "one", {"embedder": "fake"}, expected="other")
    assert result.score == pytest.approx(score)
    assert embedder.texts == ["one", "other"]


@pytest.mark.parametrize(
    "vectors",
    [
        ([0, 0], [1, 0]),
        ([1], [1, 0]),
        ([1, float("nan")], [1, 0]),
        ("no", [1]),
        ([1, 0],),
        (AgentError("down"),),
    ],
)
async def test_an_embedder_that_answers_nonsense_is_no_verdict(vectors: Any, bench: Bench) -> None:
    """Vectors that cannot be compared, and a failure, are errors."""
    provide(bench, FakeEmbedder(*vectors))
    with pytest.raises(JudgeError):
        await bench.judge("similarity", "one", {"embedder": "fake"}, expected="other")


async def test_an_embedder_that_lacks_a_key(bench: Bench) -> None:
    """What this machine lacks is no failure of the judge: it passes on."""
    provide(bench, FakeEmbedder(MissingRequirement("no key", remedy="export KEY=…")))
    with pytest.raises(MissingRequirement, match="no key"):
        await bench.judge("similarity", "one", {"embedder": "fake"}, expected="other")
