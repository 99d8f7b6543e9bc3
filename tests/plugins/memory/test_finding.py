"""Common words, estimates of nearness, and the words that are made of texts."""

from __future__ import annotations

import random
from array import array
from math import sqrt
from operator import mul
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from loopengt_hookspecs.models import MemoryEntry, MemoryScope
from loopengt_memory.store import SqliteMemoryStore
from loopengt_memory.store.codes import Codes, encode
from loopengt_memory.store.merging import MERGES
from loopengt_memory.store.words import indexed, terms

if TYPE_CHECKING:
    from pathlib import Path


def dot(one: list[float], other: list[float]) -> float:
    """Return the dot product."""
    return sum(map(mul, one, other))


async def test_common_words_rank_and_do_not_hide(tmp_path: Path) -> None:
    """Words that most entries have do not push out rare ones, decide between equals, and are found alone."""
    store = SqliteMemoryStore(tmp_path / "memory.db")
    memory = store.memory(MemoryScope.PROJECT)
    entries = [MemoryEntry(content=f"the log of day {number} was fine") for number in range(1500)]
    entries += [
        MemoryEntry(content="a zebra"),
        MemoryEntry(content="the zebra"),
        MemoryEntry(content="zoo of the log"),
    ]
    await memory.add_many(entries)
    found = [entry.content for entry in await memory.search("the log of the zebra", top_k=2)]
    assert found == ["the zebra", "a zebra"]
    found = [entry.content for entry in await memory.search("the zebra and the day", top_k=10)]
    assert set(found[:2]) == {"the zebra", "a zebra"}
    assert len(found) == 10
    assert len(await memory.search("the log")) == 5
    assert await memory.search("the", metadata_filter={"k": 1}) == []
    await store.close()


def test_estimates_lead_to_the_nearest() -> None:
    """Among 5,000 random vectors, the ten nearest are all among the 200 that seem nearest."""
    source = random.Random(11)
    for size in (3, 50, 384):
        vectors = [[source.gauss(0, 1) for _ in range(size)] for _ in range(5000)]
        norms = [sqrt(dot(vector, vector)) for vector in vectors]
        codes = Codes(size)
        rows = [
            (10 + number, encode(vector, norm))
            for number, (vector, norm) in enumerate(zip(vectors, norms, strict=True))
        ]
        codes.extend(rows[:1])
        codes.extend(rows[1:])
        query = [source.gauss(0, 1) for _ in range(size)]
        best = sorted(range(5000), key=lambda n: -dot(vectors[n], query) / norms[n])[:10]
        seeming = codes.nearest(query, 200)
        assert len(seeming) == 200
        hits = {10 + number for number in best} & set(seeming)
        assert len(hits) == 10 or size == 3  # of three dimensions six bits do not say enough
        among = [10 + number for number in best[:5]]
        assert sorted(codes.nearest(query, 200, [*among, 99_999])) == sorted(among)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 70), st.integers(1, 9), st.randoms(use_true_random=False))
def test_codes_of_any_shape(size: int, count: int, source: random.Random) -> None:
    """Any number of vectors of any length has codes of a quarter of it, and each is found, the most alike first."""
    vectors = [[source.choice([-1.0, 1.0]) for _ in range(size)] for _ in range(count)]
    codes = Codes(size)
    codes.extend([(number, encode(vector, sqrt(size))) for number, vector in enumerate(vectors)])
    query = vectors[source.randrange(count)]
    found = codes.nearest(query, count)
    assert sorted(found) == list(range(count))
    assert vectors[found[0]] == query


def test_vectors_of_many_dimensions() -> None:
    """The sums of 8,192 dimensions do not overflow: the vector itself is found first, its opposite last."""
    source = random.Random(3)
    vectors = [[source.choice([-1.0, 1.0]) for _ in range(8192)] for _ in range(20)]
    vectors.append([-x for x in vectors[0]])
    codes = Codes(8192)
    codes.extend([(number, encode(array("f", vector), sqrt(8192))) for number, vector in enumerate(vectors)])
    found = codes.nearest(vectors[0], 21)
    assert (found[0], found[-1]) == (0, 20)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_terms_are_quoted(text: str) -> None:
    """Whatever the text, each term is in quotes, which it has none of within, and there are 64 at most."""
    found = terms(text)
    assert len(found) <= 64
    for term in found:
        assert (term[0], term[-1]) == ('"', '"')
        assert '"' not in term[1:-1]
        assert term[1:-1].strip()


def test_scripts_without_spaces() -> None:
    """Their characters are indexed one by one, and looked for as pairs of neighbours."""
    assert indexed("a東京b").split() == ["a", "東", "京", "b"]
    assert terms("東京都 x") == ['"東 京"', '"京 都"', '"x"']
    assert terms("京") == ['"京"']


def test_merging_by_rank_and_by_score() -> None:
    """By rank only places count; by score each list's best counts as much as its weight."""
    lists = [(1.0, [(1, 100.0), (2, 99.0)]), (1.0, [(3, 0.5), (2, -0.1)])]
    assert [number for number, _ in MERGES["reciprocal_rank"](lists)] == [2, 3, 1]
    assert MERGES["weighted"](lists) == [(3, 1.0), (1, 1.0), (2, 0.99)]
    assert MERGES["weighted"]([(1.0, [])]) == []
