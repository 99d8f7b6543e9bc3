"""The memory of one scope, as steps and commands use it."""

from __future__ import annotations

import asyncio
from array import array
from datetime import UTC
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import MemoryEntry, content_id
from loopengt_memory.store import codes, finding
from loopengt_memory.store import entries as stored
from loopengt_memory.store.entries import Vector
from loopengt_memory.store.facts import encode, facts, make_filter
from loopengt_memory.store.finding import Query, Weights, dot
from loopengt_memory.store.merging import MERGES
from loopengt_memory.store.words import indexed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loopengt_hookspecs.embedders import Embedder
    from loopengt_memory.store.database import Database, Session
    from loopengt_memory.store.entries import Place, Row

__all__ = ["SqliteMemory"]


class SqliteMemory:
    """Keeps entries in a database; see ``Memory`` of the contract.

    An embedding that is given counts as one of the configured embedder's model. It is kept with the precision of 32
    bits.

    Args:
        database: Where they are kept.
        place: Whose they are.
        embedder: Returns the configured embedder, or None.
    """

    def __init__(self, database: Database, place: Place, embedder: Callable[[], Embedder | None]) -> None:
        self._database = database
        self._place = place
        self._embedder = embedder

    async def add(
        self,
        content: str,
        *,
        entry_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding: Sequence[float] | None = None,
    ) -> str:
        """Keep an entry and return its id; see ``Memory.add``.

        Raises:
            UsageError: Metadata or embedding are not usable.
            AgentError: The embedder failed; nothing was kept.
        """
        text = _clean(content)
        facts(metadata or {})
        entry = MemoryEntry(
            entry_id=_clean(entry_id) if entry_id else content_id(text),
            content=text,
            metadata=dict(metadata or {}),
            embedding=None if embedding is None else [float(number) for number in _checked(embedding)],
        )
        return (await self.add_many([entry]))[0]

    async def add_many(self, entries: Sequence[MemoryEntry]) -> list[str]:
        """Keep entries in one transaction and return their ids; raises as ``add`` does."""
        if not entries:
            return []
        embedder = self._embedder()
        bare = [index for index, entry in enumerate(entries) if entry.embedding is None]
        made: dict[int, Sequence[float]] = {}
        if embedder is not None and bare:
            vectors = await embedder.embed([entries[index].content for index in bare])
            made = dict(zip(bare, vectors, strict=True))
        model = embedder.model if embedder is not None else ""
        given = [(entry, made.get(index, entry.embedding)) for index, entry in enumerate(entries)]
        # Before the transaction, in which other processes wait.
        rows = await asyncio.to_thread(_rows, given)
        await self._database.write(stored.add, self._place, model, rows)
        return [entry.entry_id for entry in entries]

    async def get(self, entry_id: str) -> MemoryEntry | None:
        """Return an entry, or None."""
        return await self._database.read(stored.get, None, self._place, _clean(entry_id))

    async def remove(self, entry_id: str) -> bool:
        """Forget an entry; False when there was none."""
        if await self.get(entry_id) is None:  # Nothing is made where there is nothing.
            return False
        return await self._database.write(stored.remove, self._place, _clean(entry_id))

    async def clear(self) -> int:
        """Forget everything; return how many entries there were."""
        if not await self._database.read(_exists, False, self._place):
            return 0
        return await self._database.write(stored.clear, self._place)

    async def count(self) -> int:
        """Return how many entries there are."""
        return await self._database.read(stored.count, 0, self._place)

    async def search(
        self, query: str, *, top_k: int = 5, metadata_filter: Mapping[str, Any] | None = None
    ) -> list[MemoryEntry]:
        """Find entries by their words, best first; the score is BM25, more is better."""
        wanted = make_filter(metadata_filter)
        return await self._database.read(finding.by_words, [], self._place, query, _some(top_k), wanted)

    async def vector_search(
        self,
        embedding: Sequence[float],
        *,
        top_k: int = 5,
        metadata_filter: Mapping[str, Any] | None = None,
    ) -> list[MemoryEntry]:
        """Find entries by the nearness of their embedding, best first; the score is the cosine.

        Raises:
            UsageError: The embedding has another number of dimensions than those that are kept.
        """
        wanted = make_filter(metadata_filter)
        query = self._query(embedding)
        return await self._database.read(finding.by_nearness, [], self._place, query, _some(top_k), wanted)

    async def retrieve(
        self,
        query: str,
        *,
        top_k: int = 5,
        metadata_filter: Mapping[str, Any] | None = None,
        embedding: Sequence[float] | None = None,
        keyword_weight: float = 0.5,
        vector_weight: float = 0.5,
        merge: str = "reciprocal_rank",
    ) -> list[MemoryEntry]:
        """Find entries by words and by nearness, both merged, best first; see ``Memory.retrieve``.

        Raises:
            UsageError: A weight is negative or no number, both are 0, or ``merge`` names no way; or nearness alone is
                to decide, and there is neither an embedding nor an embedder.
            AgentError: The embedder failed.
        """
        weights = Weights(keyword_weight, vector_weight, merge)
        _check_weights(weights)
        wanted, top_k = make_filter(metadata_filter), _some(top_k)
        vector = embedding
        if vector is None and not keyword_weight and self._embedder() is None:
            raise UsageError(
                "there is no embedder, and the memory is to be searched by nearness alone",
                remedy="Set [memory] embedder in config.toml, or search by words.",
            )
        if vector is None and vector_weight and query.strip():
            vector = await self._embedded(query)
        near = None if vector is None else self._query(vector)
        return await self._database.read(
            finding.by_both, [], self._place, query, near, top_k, wanted, weights
        )

    async def recent(
        self, *, top_k: int = 5, metadata_filter: Mapping[str, Any] | None = None
    ) -> list[MemoryEntry]:
        """Return the entries that were added last, newest first."""
        wanted = make_filter(metadata_filter)
        return await self._database.read(stored.recent, [], self._place, _some(top_k), wanted)

    async def _embedded(self, text: str) -> Sequence[float] | None:
        """Return the vector of a query, unless there is nothing to compare it with."""
        embedder = self._embedder()
        if embedder is None or not await self._database.read(_has_model, False, self._place, embedder.model):
            return None
        return (await embedder.embed([text]))[0]

    def _query(self, embedding: Sequence[float]) -> Query:
        vector = _checked(embedding)
        embedder = self._embedder()
        return Query(embedder.model if embedder is not None else "", _norm(vector), vector)


def _rows(given: Sequence[tuple[MemoryEntry, Sequence[float] | None]]) -> list[Row]:
    return [_row(entry, embedding) for entry, embedding in given]


def _row(entry: MemoryEntry, embedding: Sequence[float] | None) -> Row:
    return stored.Row(
        entry_id=entry.entry_id,
        content=entry.content,
        words=indexed(entry.content),
        metadata=encode(entry.metadata),
        facts=facts(entry.metadata),
        created_at=entry.created_at.astimezone(UTC).isoformat(),
        vector=None if embedding is None else _vector(_checked(embedding)),
    )


def _vector(vector: array[float]) -> Vector:
    norm = _norm(vector)
    return Vector(len(vector), norm, vector.tobytes(), codes.encode(vector, norm))


def _exists(session: Session, place: Place) -> bool:
    return stored.find_scope(session, place) is not None


def _has_model(session: Session, place: Place, model: str) -> bool:
    scope = stored.find_scope(session, place)
    return scope is not None and stored.dimensions(session, scope, model) is not None


def _checked(embedding: Sequence[float]) -> array[float]:
    """Return a vector as it is kept.

    Raises:
        UsageError: It is empty, or has what is no finite number.
    """
    try:
        vector = array("f", embedding)
    except (TypeError, OverflowError):
        vector = array("f")
    if not vector or not isfinite(sum(vector)):
        raise UsageError(
            "an embedding must be a list of finite numbers, at least one",
            remedy="Give it as the embedder made it.",
        )
    return vector


def _norm(vector: array[float]) -> float:
    return sqrt(dot(vector, vector))


def _some(top_k: int) -> int:
    if top_k < 1:
        raise UsageError(f"top_k is {top_k}, and must be 1 at least", remedy="Ask for one entry or more.")
    return top_k


def _check_weights(weights: Weights) -> None:
    pair = (weights.words, weights.nearness)
    if not all(isfinite(weight) and weight >= 0 for weight in pair) or not any(pair):
        raise UsageError(
            f"the weights are {pair[0]} and {pair[1]}", remedy="Use numbers from 0, one of them above it."
        )
    if weights.merge not in MERGES:
        raise UsageError(
            f"there is no way of merging called {weights.merge!r}", remedy=f"Use {' or '.join(MERGES)}."
        )


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
