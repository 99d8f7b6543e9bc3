"""Rules for what is found: by words, by nearness, by both, and only what a filter lets through."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing._memory_base import MemorySuite, contents, project, rule
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import MemoryEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loopengt_hookspecs.memory import Memory, MemoryStore


async def _found_with(memory: Memory, metadata_filter: Mapping[str, Any]) -> list[str]:
    return sorted(contents(await memory.recent(top_k=99, metadata_filter=metadata_filter)))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


class FindingRules(MemorySuite):
    """Rules for ``search``, ``vector_search``, ``retrieve`` and filters."""

    @rule
    async def test_words_are_ranked(self, store: MemoryStore, folder: Path) -> None:
        """Entries with more and rarer words of the query come first, with falling scores above 0."""
        memory = project(store)
        for text in ("the parser fails on tabs", "the parser is fast", "the weather is fine", "nothing"):
            await memory.add(text)
        found = await memory.search("why does the PARSER stumble over tabs?")
        assert contents(found)[:2] == ["the parser fails on tabs", "the parser is fast"]
        scores = [entry.score for entry in found]
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] > 0
        assert "nothing" not in contents(found)

    @rule
    async def test_top_k_is_the_limit(self, store: MemoryStore, folder: Path) -> None:
        """No more entries come than were asked for; fewer than one is a mistake of the caller."""
        memory = project(store)
        for number in range(9):
            await memory.add(f"word {number}", embedding=[1.0, float(number)])
        assert len(await memory.search("word")) == 5
        assert len(await memory.search("word", top_k=99)) == 9
        assert len(await memory.vector_search([1.0, 0.0], top_k=2)) == 2
        assert len(await memory.retrieve("word", embedding=[1.0, 0.0], top_k=3)) == 3
        assert len(await memory.recent(top_k=1)) == 1
        with pytest.raises(UsageError, match="top_k"):
            await memory.search("word", top_k=0)

    @rule
    async def test_the_nearest_come_first(self, store: MemoryStore, folder: Path) -> None:
        """Of random vectors those of the greatest cosine are found, in its order, whatever their lengths."""
        source = random.Random(7)  # noqa: S311 - the same vectors each time
        vectors = {
            str(number): [source.gauss(0, 1) * (1 + number % 7) for _ in range(30)] for number in range(1500)
        }
        memory = project(store)
        await memory.add_many(
            [MemoryEntry(entry_id=key, content=key, embedding=vector) for key, vector in vectors.items()]
        )
        for _ in range(3):
            query = [source.gauss(0, 1) for _ in range(30)]
            expected = sorted(vectors, key=lambda key: -_cosine(vectors[key], query))[:8]
            found = await memory.vector_search(query, top_k=8)
            assert contents(found) == expected
            assert found[0].score == pytest.approx(_cosine(vectors[expected[0]], query), abs=1e-4)
        await memory.remove(expected[0])
        await memory.add("new", embedding=query)
        assert contents(await memory.vector_search(query, top_k=8)) == ["new", *expected[1:]]

    @rule
    async def test_other_dimensions_are_refused(self, store: MemoryStore, folder: Path) -> None:
        """A vector of another length than those that are kept is an error that names both, and adds nothing."""
        memory = project(store)
        await memory.add("kept", embedding=[1.0, 2.0, 3.0])
        with pytest.raises(UsageError, match=r"2\b.*\b3"):
            await memory.vector_search([1.0, 2.0])
        with pytest.raises(UsageError, match=r"4\b.*\b3"):
            await memory.add("not kept", embedding=[1.0, 2.0, 3.0, 4.0])
        assert await memory.count() == 1

    @rule
    async def test_strange_vectors(self, store: MemoryStore, folder: Path) -> None:
        """A vector of zeros is near to nothing; one that is empty or not finite is refused."""
        memory = project(store)
        await memory.add("zero", embedding=[0.0, 0.0])
        await memory.add("one", embedding=[1.0, 0.0])
        found = await memory.vector_search([1.0, 0.0])
        assert [(entry.content, entry.score) for entry in found] == [("one", 1.0), ("zero", 0.0)]
        assert {entry.score for entry in await memory.vector_search([0.0, 0.0])} == {0.0}
        for bad in ([], [math.nan, 1.0], [math.inf, 1.0]):
            with pytest.raises(UsageError, match="embedding"):
                await memory.vector_search(bad)

    @rule
    async def test_filters_name_keys_and_values(self, store: MemoryStore, folder: Path) -> None:
        """All keys of a filter must have their values, any item of a list is fine, and types count."""
        memory = project(store)
        kinds: dict[str, dict[str, Any]] = {
            "int": {"n": 1, "k": "a"},
            "float": {"n": 1.0, "k": "b"},
            "true": {"n": True, "k": "a"},
            "text": {"n": "1", "k": "a"},
            "null": {"n": None, "k": "a"},
            "list": {"n": [1, 2], "k": "a"},
            "none": {"k": "a"},
            "odd": {"$.n' --": "x' OR 1=1", "long": "x" * 5000},
        }
        for name, metadata in kinds.items():
            await memory.add(name, metadata=metadata)
        assert await _found_with(memory, {"n": 1}) == ["float", "int"]
        assert await _found_with(memory, {"n": 1, "k": "a"}) == ["int"]
        assert await _found_with(memory, {"n": True}) == ["true"]
        assert await _found_with(memory, {"n": "1"}) == ["text"]
        assert await _found_with(memory, {"n": None}) == ["null"]
        assert await _found_with(memory, {"n": [[1, 2]]}) == ["list"]
        assert await _found_with(memory, {"n": ["1", True]}) == ["text", "true"]
        assert await _found_with(memory, {"n": []}) == []
        assert await _found_with(memory, {"$.n' --": "x' OR 1=1", "long": "x" * 5000}) == ["odd"]
        assert await _found_with(memory, {"long": "x" * 4999}) == []
        assert len(await _found_with(memory, {})) == len(kinds)

    @rule
    async def test_filters_hold_before_the_limit(self, store: MemoryStore, folder: Path) -> None:
        """What a filter leaves out takes no place among the best, in any kind of search."""
        memory = project(store)
        entries = [
            MemoryEntry(entry_id=f"n{number}", content="word", metadata={"k": "no"}, embedding=[1.0, 0.0])
            for number in range(500)
        ]
        wanted = MemoryEntry(
            entry_id="y", content="word, and a lot beside it", metadata={"k": "yes"}, embedding=[0.0, 1.0]
        )
        await memory.add_many([wanted, *entries])
        only = {"k": "yes"}
        for found in (
            await memory.search("word", top_k=1, metadata_filter=only),
            await memory.vector_search([1.0, 0.0], top_k=1, metadata_filter=only),
            await memory.retrieve("word", embedding=[1.0, 0.0], top_k=1, metadata_filter=only),
            await memory.recent(top_k=1, metadata_filter=only),
        ):
            assert [entry.entry_id for entry in found] == ["y"]

    @rule
    async def test_words_and_nearness_are_merged(self, store: MemoryStore, folder: Path) -> None:
        """What both find comes first; a weight of 0 leaves one out; both ways of merging do so."""
        memory = project(store)
        await memory.add("alpha", entry_id="words", embedding=[0.0, 1.0])
        await memory.add("alpha alpha", entry_id="both", embedding=[1.0, 0.1])
        await memory.add("beta", entry_id="near", embedding=[1.0, 0.0])
        for merge in ("reciprocal_rank", "weighted"):

            async def ids(words: float, nearness: float, way: str = merge) -> list[str]:
                found = await memory.retrieve(
                    "alpha",
                    embedding=[1.0, 0.0],
                    keyword_weight=words,
                    vector_weight=nearness,
                    merge=way,
                )
                scores = [entry.score for entry in found]
                assert scores == sorted(scores, reverse=True)
                return [entry.entry_id for entry in found]

            both = await ids(0.5, 0.5)
            assert (both[0], set(both)) == ("both", {"both", "words", "near"})
            assert set(await ids(1.0, 0.0)) == {"both", "words"}
            assert await ids(0.0, 1.0) == ["near", "both", "words"]
        by_words = await memory.retrieve("alpha")  # without an embedder words alone decide
        assert {entry.entry_id for entry in by_words} == {"both", "words"}

    @rule
    async def test_nearness_alone_needs_a_vector(self, store: MemoryStore, folder: Path) -> None:
        """Without embedding and embedder, a search by nearness alone is an error, not an empty result."""
        memory = project(store)
        await memory.add("alpha", embedding=[1.0, 0.0])
        with pytest.raises(UsageError, match="embedder"):
            await memory.retrieve("alpha", keyword_weight=0.0, vector_weight=1.0)

    @rule
    async def test_wrong_weights_are_refused(self, store: MemoryStore, folder: Path) -> None:
        """Weights below 0, two of 0, and an unknown way of merging are errors."""
        memory = project(store)
        for words, nearness in ((-1.0, 1.0), (0.0, 0.0), (math.nan, 1.0)):
            with pytest.raises(UsageError, match="weights"):
                await memory.retrieve("x", keyword_weight=words, vector_weight=nearness)
        with pytest.raises(UsageError, match="sideways"):
            await memory.retrieve("x", merge="sideways")
