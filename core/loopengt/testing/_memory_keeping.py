"""Rules for what is kept: ids, replacement, removal, scopes, several at once, and what outlives a store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loopengt.testing._memory_base import MemorySuite, contents, project, rule
from loopengt_hookspecs.models import MemoryEntry, MemoryScope, content_id

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.memory import MemoryStore


class KeepingRules(MemorySuite):
    """Rules for ``add``, ``add_many``, ``get``, ``remove``, ``clear``, ``count`` and ``recent``."""

    @rule
    async def test_an_empty_memory_answers(self, store: MemoryStore, folder: Path) -> None:
        """Where nothing was ever added, nothing is found, removed or cleared, and no error is raised."""
        memory = project(store)
        assert await memory.get("x") is None
        assert await memory.remove("x") is False
        assert await memory.clear() == 0
        assert await memory.count() == 0
        assert await memory.recent() == []
        assert await memory.search("x") == []
        assert await memory.vector_search([1.0]) == []
        assert await memory.retrieve("x", embedding=[1.0]) == []
        assert await memory.add_many([]) == []

    @rule
    async def test_an_entry_comes_back_whole(self, store: MemoryStore, folder: Path) -> None:
        """``get`` returns content, metadata and embedding as they were given, with a score of 0."""
        metadata = {"kind": "note", "nested": {"list": [1, 2.5, None, True]}, "é": "ü"}
        memory = project(store)
        given = await memory.add("the text", entry_id="e1", metadata=metadata, embedding=[0.5, -0.25])
        assert given == "e1"
        entry = await memory.get("e1")
        assert entry is not None
        assert (entry.entry_id, entry.content, entry.metadata) == ("e1", "the text", metadata)
        assert entry.embedding == [0.5, -0.25]
        assert entry.score == 0.0
        assert abs((datetime.now(UTC) - entry.created_at).total_seconds()) < 3600

    @rule
    async def test_without_an_id_the_content_is_hashed(self, store: MemoryStore, folder: Path) -> None:
        """An entry without an id gets the hash of its content, so that the same text is kept once."""
        memory = project(store)
        first = await memory.add("same", metadata={"n": 1})
        assert first == content_id("same")
        assert await memory.add("same", metadata={"n": 2}) == first
        assert await memory.count() == 1
        entry = await memory.get(first)
        assert entry is not None
        assert entry.metadata == {"n": 2}
        assert entry.embedding is None

    @rule
    async def test_an_id_is_replaced_everywhere(self, store: MemoryStore, folder: Path) -> None:
        """What an entry said before it was replaced is found no more: by words, nearness, metadata or age."""
        memory = project(store)
        await memory.add("apples", entry_id="e", metadata={"kind": "old"}, embedding=[1.0, 0.0])
        await memory.add("other", entry_id="o")
        await memory.add("pears", entry_id="e", metadata={"kind": "new"}, embedding=[0.0, 1.0])
        assert await memory.search("apples") == []
        assert contents(await memory.search("pears")) == ["pears"]
        assert await memory.recent(metadata_filter={"kind": "old"}) == []
        assert contents(await memory.recent()) == ["pears", "other"]
        [near] = await memory.vector_search([0.0, 1.0])
        assert near.embedding == [0.0, 1.0]

    @rule
    async def test_many_are_added_in_their_order(self, store: MemoryStore, folder: Path) -> None:
        """``add_many`` returns an id for each entry, keeps their times, and the last of one id wins."""
        moment = datetime(2020, 1, 2, 3, 4, 5, 678901, UTC)
        entries = [
            MemoryEntry(entry_id="a", content="one", created_at=moment),
            MemoryEntry(content="two"),
            MemoryEntry(entry_id="a", content="three"),
            MemoryEntry(entry_id="b", content="four", created_at=moment),
        ]
        memory = project(store)
        assert await memory.add_many(entries) == ["a", content_id("two"), "a", "b"]
        assert contents(await memory.recent()) == ["four", "three", "two"]
        last = await memory.get("b")
        assert last is not None
        assert last.created_at == moment

    @rule
    async def test_removed_entries_are_gone(self, store: MemoryStore, folder: Path) -> None:
        """``remove`` says whether there was one; ``clear`` counts, and leaves a memory that can be used."""
        memory = project(store)
        for number in range(5):
            await memory.add(f"entry {number}", entry_id=str(number), embedding=[1.0, float(number)])
        assert await memory.remove("3") is True
        assert await memory.remove("3") is False
        assert await memory.get("3") is None
        assert await memory.search("3") == []
        assert "entry 3" not in contents(await memory.vector_search([1.0, 3.0], top_k=9))
        assert await memory.clear() == 4
        assert await memory.count() == 0
        assert await memory.search("entry") == []
        await memory.add("again", embedding=[1.0, 2.0, 3.0])  # another number of dimensions than before
        assert contents(await memory.vector_search([1.0, 2.0, 3.0])) == ["again"]

    @rule
    async def test_scopes_are_apart(self, store: MemoryStore, folder: Path) -> None:
        """Runs, loops and the project see nothing of each other, also where names and ids are the same."""
        places = [
            (MemoryScope.PROJECT, ""),
            (MemoryScope.LOOP, "a"),
            (MemoryScope.LOOP, "b"),
            (MemoryScope.RUN, "a"),
        ]
        for scope, name in places:
            await store.memory(scope, name).add(f"shared {scope} {name}", entry_id="e", embedding=[1.0, 2.0])
        for scope, name in places:
            memory = store.memory(scope, name)
            own = [f"shared {scope} {name}"]
            assert contents(await memory.recent()) == own
            assert contents(await memory.search("shared")) == own
            assert contents(await memory.vector_search([1.0, 2.0])) == own
            assert contents(await memory.retrieve("shared", embedding=[1.0, 2.0])) == own
        assert await store.memory(MemoryScope.LOOP, "a").clear() == 1
        assert [await store.memory(scope, name).count() for scope, name in places] == [1, 0, 1, 1]

    @rule
    async def test_many_write_at_once(self, store: MemoryStore, folder: Path) -> None:
        """Concurrent additions, of the same ids too, are all kept and searched meanwhile."""
        memory = project(store)

        async def write(worker: int) -> None:
            for number in range(5):
                await memory.add(f"worker {worker} said {number}", entry_id=f"{worker}-{number}")
                await memory.add(f"last of {number}", entry_id=f"shared-{number}")
                assert await memory.search(f"worker {worker}")

        await asyncio.gather(*(write(worker) for worker in range(8)))
        assert await memory.count() == 8 * 5 + 5

    @rule
    async def test_entries_outlive_the_store(self, store: MemoryStore, folder: Path) -> None:
        """A closed store can be used again, and another store on the folder has the same entries."""
        memory = project(store)
        await memory.add("lasting", embedding=[1.0, 0.0])
        await store.close()
        if not self.persistent:
            return
        assert contents(await memory.search("lasting")) == ["lasting"]
        other = self.make(folder)
        try:
            assert contents(await project(other).vector_search([1.0, 0.0])) == ["lasting"]
            await project(other).add("of the other")
            assert contents(await memory.recent()) == ["of the other", "lasting"]
        finally:
            await other.close()
