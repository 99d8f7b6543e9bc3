"""Finds entries by their words, by nearness, and by both."""

from __future__ import annotations

import json
import sys
from array import array
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from loopengt_memory.store import words
from loopengt_memory.store.codes import Codes
from loopengt_memory.store.entries import check_dimensions, dimensions, find_scope, load
from loopengt_memory.store.facts import Filter
from loopengt_memory.store.merging import MERGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import MemoryEntry
    from loopengt_memory.store.database import Session
    from loopengt_memory.store.entries import Place, Scope
    from loopengt_memory.store.merging import Hits

if sys.version_info >= (3, 12):
    from math import sumprod as dot
else:

    def dot(one: Sequence[float], other: Sequence[float]) -> float:
        """Return the dot product."""
        return float(sum(map(mul, one, other)))


__all__ = ["Query", "Weights", "by_both", "by_nearness", "by_words", "dot"]

_COMMON = 1_000
"""A word that stands in so many entries is common: it ranks what rarer words of the query find."""

_EXACT = 400
_NUMBERS = 200_000
_MOST_EXACT = 5_000
"""Vectors of so many numbers together, but 400 at least and 5,000 at most, are compared in full.

Where there are no more, codes are not looked at: of few dimensions they say little.
"""

_MOST_KEPT = 16
"""Codes of so many memories are kept between searches."""

_DEPTH = 4
"""Each of the two lists that are merged is so many times as long as the result, and has 50 entries at least."""


class Query(NamedTuple):
    """A vector to look for."""

    model: str
    norm: float
    vector: Sequence[float]


class Weights(NamedTuple):
    """How two lists are merged."""

    words: float
    nearness: float
    merge: str


def by_words(session: Session, place: Place, text: str, top_k: int, wanted: Filter) -> list[MemoryEntry]:
    """Return entries that have words of a text, best first."""
    scope = find_scope(session, place)
    return [] if scope is None else load(session, _by_words(session, scope, text, top_k, wanted))


def by_nearness(
    session: Session, place: Place, query: Query, top_k: int, wanted: Filter
) -> list[MemoryEntry]:
    """Return entries whose vectors are near, nearest first; the score is the cosine.

    Raises:
        UsageError: The vector has another number of dimensions than those that are kept.
    """
    scope = find_scope(session, place)
    return [] if scope is None else load(session, _by_nearness(session, scope, query, top_k, wanted))


def by_both(
    session: Session,
    place: Place,
    text: str,
    query: Query | None,
    top_k: int,
    wanted: Filter,
    weights: Weights,
) -> list[MemoryEntry]:
    """Return entries found by words and by nearness, merged."""
    scope = find_scope(session, place)
    if scope is None:
        return []
    depth = max(50, _DEPTH * top_k)
    lists: list[tuple[float, Hits]] = []
    if weights.words:
        lists.append((weights.words, _by_words(session, scope, text, depth, wanted)))
    if weights.nearness and query is not None:
        lists.append((weights.nearness, _by_nearness(session, scope, query, depth, wanted)))
    return load(session, MERGES[weights.merge](lists)[:top_k])


def _by_words(session: Session, scope: Scope, text: str, top_k: int, wanted: Filter) -> Hits:
    terms = words.terms(text)
    if not terms:
        return []
    rare = [term for term in terms if not _is_common(session, scope, term)]
    every = " OR ".join(terms)
    if len(rare) < len(terms):
        # To rank every entry that has "the" takes longer than to find those that matter.
        narrow = f"({' OR '.join(rare)}) AND ({every})" if rare else " AND ".join(terms)
        found = _match(session, scope, narrow, top_k, wanted)
        if len(found) == top_k:
            return found
    return _match(session, scope, every, top_k, wanted)


def _is_common(session: Session, scope: Scope, term: str) -> bool:
    (number,) = session.execute(
        "SELECT count(*) FROM (SELECT 1 FROM memory_words WHERE memory_words MATCH ?"
        " AND rowid BETWEEN ? AND ? LIMIT ?)",
        (term, *scope.range, _COMMON),
    ).fetchone()
    return bool(number == _COMMON)


def _match(session: Session, scope: Scope, expression: str, top_k: int, wanted: Filter) -> Hits:
    return session.execute(
        "SELECT rowid, -bm25(memory_words) AS score FROM memory_words"  # noqa: S608 - the conditions are ours
        f" WHERE memory_words MATCH ? AND rowid BETWEEN ? AND ?{wanted.sql('memory_words.rowid')}"
        " ORDER BY score DESC, rowid DESC LIMIT ?",
        (expression, *scope.range, *wanted.values, top_k),
    ).fetchall()


def _by_nearness(session: Session, scope: Scope, query: Query, top_k: int, wanted: Filter) -> Hits:
    model = dimensions(session, scope, query.model)
    if model is None:
        return []
    model_no, size = model
    check_dimensions(size, len(query.vector))
    among = _fitting(session, scope, model_no, wanted) if wanted.conditions else None
    wish = max(_EXACT, min(_MOST_EXACT, _NUMBERS // size), 4 * top_k)
    if among is None or len(among) > wish:
        codes = _codes(session, scope, model_no, size)
        few = len(codes.numbers) <= wish
        among = list(codes.numbers) if few else codes.nearest(query.vector, wish, among)
    return _compared(session, query, among)[:top_k]


def _fitting(session: Session, scope: Scope, model_no: int, wanted: Filter) -> list[int]:
    first, rest = Filter(wanted.conditions[:1]), Filter(wanted.conditions[1:])
    found = session.execute(
        f"SELECT c.no FROM memory_codes AS c WHERE c.no IN ({first.numbers_sql()})"  # noqa: S608 - ours
        f" AND c.model_no = ?{rest.sql('c.no')}",
        (*first.values, *scope.range, model_no, *rest.values),
    )
    return [number for (number,) in found]


def _compared(session: Session, query: Query, numbers: Sequence[int]) -> Hits:
    """Return numbers with their cosines, nearest first; newer ones first where those are equal."""
    found = session.execute(
        "SELECT no, norm, vector FROM memory_vectors WHERE no IN (SELECT value FROM json_each(?))",
        (json.dumps(list(numbers)),),
    )
    hits = []
    for number, norm, vector in found:
        length = norm * query.norm
        cosine = dot(query.vector, array("f", vector)) / length if length else 0.0
        hits.append((number, max(-1.0, min(1.0, cosine))))
    return sorted(hits, key=lambda hit: (-hit[1], -hit[0]))


class _Kept(NamedTuple):
    codes: Codes
    last: int
    removals: int


def _codes(session: Session, scope: Scope, model_no: int, size: int) -> Codes:
    """Return the codes of a model's vectors; since the last time only those that were added are read."""
    kept: _Kept | None = session.kept.pop(model_no, None)
    if kept is None or kept.removals != scope.removals or kept.codes.dimensions != size:
        kept = _Kept(Codes(size), scope.range[0], scope.removals)
    if kept.last < scope.last:
        rows = session.execute(
            "SELECT no, code FROM memory_codes WHERE no > ? AND no <= ? AND model_no = ? ORDER BY no",
            (kept.last, scope.last, model_no),
        ).fetchall()
        kept.codes.extend(rows)
    session.kept[model_no] = kept._replace(last=scope.last)
    while len(session.kept) > _MOST_KEPT:
        del session.kept[next(iter(session.kept))]
    return kept.codes
