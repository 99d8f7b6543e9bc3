"""Memories of many entries: how long it takes to add them, and to find some by words and by nearness."""

from __future__ import annotations

import asyncio
import random
from heapq import nlargest
from itertools import accumulate
from math import hypot
from operator import mul
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from loopengt_hookspecs.models import MemoryEntry, MemoryScope
from loopengt_memory.store import SqliteMemoryStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from loopengt_memory.store import SqliteMemory

__all__ = ["find"]

T = TypeVar("T")

_VOCABULARY = 30_000
_WORDS = 40
_QUERIES = 20
_CHECKED = 3
_TOP = 10
_COMMON = "w10"
"""A word that a quarter of the entries has."""


def find(folder: Path, entries: int, dimensions: int) -> dict[str, float]:
    """Milliseconds of a search in so many entries of 40 words, whose frequencies are those of a language.

    The vectors are random: no search by nearness has a harder case, since nothing is much nearer than the rest.
    """
    return asyncio.run(_find(folder, entries, dimensions))


async def _find(folder: Path, entries: int, dimensions: int) -> dict[str, float]:
    source = random.Random(20)
    texts = _texts(source, entries)
    vectors = [_vector(source, dimensions) for _ in range(entries)]
    store = SqliteMemoryStore(folder / "memory.db")
    memory = store.memory(MemoryScope.PROJECT)
    began = perf_counter()
    await memory.add_many(
        [
            MemoryEntry(entry_id=str(n), content=text, metadata={"tenth": n % 10}, embedding=vectors[n])
            for n, text in enumerate(texts)
        ]
    )
    added = perf_counter() - began
    queries = [_vector(source, dimensions) for _ in range(_QUERIES)]
    # Words as a question has them: two of those that nearly every entry has, and three that few have.
    words = [_query(source) for _ in range(_QUERIES)]
    found = {
        "add": added / entries * 1e6,
        "words": await _median(words, memory.search),
        "common": await _median([_COMMON] * 5, memory.search),
        "vector": await _median(queries, memory.vector_search),
        "filtered": await _median(
            queries, lambda query: memory.vector_search(query, metadata_filter={"tenth": 3})
        ),
        "both": await _median(
            list(zip(words, queries, strict=True)), lambda pair: memory.retrieve(pair[0], embedding=pair[1])
        ),
        "recall": await _recall(memory, vectors, queries[:_CHECKED]),
    }
    await store.close()
    return found


def _texts(source: random.Random, count: int) -> list[str]:
    words = [f"w{number}" for number in range(_VOCABULARY)]
    weights = list(accumulate(1 / (number + 2) for number in range(_VOCABULARY)))
    return [" ".join(source.choices(words, cum_weights=weights, k=_WORDS)) for _ in range(count)]


def _query(source: random.Random) -> str:
    rare = [f"w{source.randrange(500, 5_000)}" for _ in range(3)]
    return " ".join(["w0", "w1", *rare])


def _vector(source: random.Random, dimensions: int) -> list[float]:
    return [source.gauss(0, 1) for _ in range(dimensions)]


async def _median(queries: Sequence[T], search: Callable[[T], Awaitable[object]]) -> float:
    await search(queries[0])
    times = []
    for query in queries:
        began = perf_counter()
        await search(query)
        times.append(perf_counter() - began)
    return median(times) * 1e3


async def _recall(
    memory: SqliteMemory, vectors: Sequence[list[float]], queries: Sequence[list[float]]
) -> float:
    """Return how many of the ten that are nearest are found, in percent."""
    hits = 0
    norms = [hypot(*vector) for vector in vectors]
    for query in queries:
        cosines = [sum(map(mul, query, vector)) / norm for vector, norm in zip(vectors, norms, strict=True)]
        best = nlargest(_TOP, range(len(vectors)), key=cosines.__getitem__)
        found = await memory.vector_search(query, top_k=_TOP)
        hits += len({str(number) for number in best} & {entry.entry_id for entry in found})
    return 100 * hits / min(_TOP, len(vectors)) / len(queries)
