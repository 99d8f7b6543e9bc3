"""Each rule for memory stores is broken by a store that is broken so."""

from __future__ import annotations

import gc
import html
import itertools
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from loopengt.testing import MemoryContract
from loopengt.testing.suites import rules
from loopengt_hookspecs.models import MemoryScope
from loopengt_memory.store import SqliteMemoryStore

COUNTER = itertools.count()


class Memory:
    """Hands everything on to a sound memory."""

    def __init__(self, sound: Any) -> None:
        self.sound = sound

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)


class Store:
    """Hands everything on to a sound store, whose memories are of another kind."""

    kind: type[Memory] = Memory

    def __init__(self, folder: Path) -> None:
        self.sound = SqliteMemoryStore(folder / "memory.db")

    def memory(self, scope: Any, name: str = "") -> Any:
        return self.kind(self.sound.memory(scope, name))

    async def close(self) -> None:
        await self.sound.close()


def _memory(**methods: Any) -> type[Store]:
    return type("Broken", (Store,), {"kind": type("Broken", (Memory,), methods)})


class Forgets(Store):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder / str(next(COUNTER)))


class OneScope(Store):
    def memory(self, scope: Any, name: str = "") -> Any:
        return super().memory(MemoryScope.PROJECT)


async def _search_words(self: Any, query: str, **more: Any) -> Any:
    assert '"' not in query
    return await self.sound.search(query, **more)


async def _add_escaped(self: Any, content: str, **more: Any) -> Any:
    return await self.sound.add(html.escape(content), **more)


async def _add_unicode(self: Any, content: str, **more: Any) -> Any:
    content.encode()
    return await self.sound.add(content, **more)


async def _search_ascii(self: Any, query: str, **more: Any) -> Any:
    return await self.sound.search(query.encode("ascii", "ignore").decode(), **more)


async def _add_short(self: Any, content: str, **more: Any) -> Any:
    return await self.sound.add(content[:1000], **more)


async def _search_backwards(self: Any, query: str, **more: Any) -> Any:
    return (await self.sound.search(query, **more))[::-1]


async def _search_all(self: Any, query: str, *, top_k: int = 5, **more: Any) -> Any:
    return await self.sound.search(query, top_k=50, **more)


async def _farthest(self: Any, embedding: Any, **more: Any) -> Any:
    return (await self.sound.vector_search(embedding, **more))[::-1]


async def _add_anyway(self: Any, content: str, **more: Any) -> Any:
    try:
        return await self.sound.add(content, **more)
    except Exception:
        return await self.sound.add(content, **more | {"embedding": None})


async def _vectors_anyway(self: Any, embedding: Any, **more: Any) -> Any:
    try:
        return await self.sound.vector_search(embedding, **more)
    except Exception:
        return []


async def _search_unfiltered(self: Any, query: str, *, metadata_filter: Any = None, **more: Any) -> Any:
    return await self.sound.search(query, **more)


async def _recent_unfiltered(self: Any, *, metadata_filter: Any = None, **more: Any) -> Any:
    return await self.sound.recent(**more)


async def _search_late(self: Any, query: str, *, metadata_filter: Any = None, **more: Any) -> Any:
    wanted = dict(metadata_filter or {})
    found = await self.sound.search(query, **more)
    return [entry for entry in found if wanted.items() <= entry.metadata.items()]


async def _retrieve_words(self: Any, query: str, *, top_k: int = 5, **more: Any) -> Any:
    return await self.sound.search(query, top_k=top_k)


async def _retrieve_anyway(self: Any, query: str, **more: Any) -> Any:
    try:
        return await self.sound.retrieve(query, **more)
    except Exception:
        return []


async def _removes_surely(self: Any, entry_id: str) -> bool:
    await self.sound.remove(entry_id)
    return True


async def _gets_bare(self: Any, entry_id: str) -> Any:
    entry = await self.sound.get(entry_id)
    return entry and entry.model_copy(update={"metadata": {}})


async def _add_anew(self: Any, content: str, *, entry_id: str | None = None, **more: Any) -> Any:
    return await self.sound.add(content, entry_id=entry_id or uuid4().hex, **more)


async def _add_twice(self: Any, content: str, *, entry_id: str | None = None, **more: Any) -> Any:
    await self.sound.add(content, entry_id=f"{entry_id} {next(COUNTER)}", **more)
    return await self.sound.add(content, entry_id=entry_id, **more)


async def _add_backwards(self: Any, entries: Any) -> Any:
    return await self.sound.add_many(entries[::-1])


async def _keeps(self: Any, entry_id: str) -> bool:
    return await self.sound.get(entry_id) is not None


async def _add_alone(self: Any, *args: Any, **more: Any) -> Any:
    inside = vars(type(self)).get("inside", 0)
    type(self).inside = inside + 1
    try:
        assert not inside
        return await self.sound.add(*args, **more)
    finally:
        type(self).inside = inside


BROKEN: dict[str, type[Store]] = {
    "any_text_is_a_query": _memory(search=_search_words),
    "any_text_is_kept": _memory(add=_add_escaped),
    "half_a_surrogate_pair": _memory(add=_add_unicode),
    "languages": _memory(search=_search_ascii),
    "long_texts": _memory(add=_add_short),
    "words_are_ranked": _memory(search=_search_backwards),
    "top_k_is_the_limit": _memory(search=_search_all),
    "the_nearest_come_first": _memory(vector_search=_farthest),
    "other_dimensions_are_refused": _memory(add=_add_anyway),
    "strange_vectors": _memory(vector_search=_vectors_anyway),
    "filters_name_keys_and_values": _memory(search=_search_unfiltered, recent=_recent_unfiltered),
    "filters_hold_before_the_limit": _memory(search=_search_late),
    "words_and_nearness_are_merged": _memory(retrieve=_retrieve_words),
    "nearness_alone_needs_a_vector": _memory(retrieve=_retrieve_anyway),
    "wrong_weights_are_refused": _memory(retrieve=_retrieve_anyway),
    "an_empty_memory_answers": _memory(remove=_removes_surely),
    "an_entry_comes_back_whole": _memory(get=_gets_bare),
    "without_an_id_the_content_is_hashed": _memory(add=_add_anew),
    "an_id_is_replaced_everywhere": _memory(add=_add_twice),
    "many_are_added_in_their_order": _memory(add_many=_add_backwards),
    "removed_entries_are_gone": _memory(remove=_keeps),
    "scopes_are_apart": OneScope,
    "many_write_at_once": _memory(add=_add_alone),
    "entries_outlive_the_store": Forgets,
}


def check(rule: str, kind: type[Store], folder: Path) -> None:
    """Check one rule on a kind of store."""
    suite: Any = type("Tried", (MemoryContract,), {"make": lambda self, folder: kind(folder)})
    getattr(suite(), rule)(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # what a broken one leaves
@pytest.mark.parametrize("rule", rules(MemoryContract))
def test_a_broken_store_breaks_the_rule(rule: str, tmp_path: Path) -> None:
    """A sound store keeps the rule; one that is broken in this way does not."""
    (tmp_path / "sound").mkdir()
    check(rule, Store, tmp_path / "sound")
    with pytest.raises((Exception, pytest.fail.Exception)):
        check(rule, BROKEN[rule.removeprefix("test_")], tmp_path)
    gc.collect()


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken store."""
    assert {f"test_{name}" for name in BROKEN} == set(rules(MemoryContract))
