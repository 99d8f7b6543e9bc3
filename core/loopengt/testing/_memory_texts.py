"""Rules for texts of any kind: languages, signs that a query language might take for its own, and length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.testing._memory_base import MemorySuite, contents, project, rule

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.memory import MemoryStore

HOSTILE = (
    '"',
    "'",
    "*",
    '"* OR',
    "NEAR(",
    "NEAR(parser tabs, 1)",
    "parser AND",
    "NOT parser",
    "-parser",
    "content:parser",
    "words : parser",
    "^parser",
    "parser*",
    "(parser",
    "{parser} : x",
    "'; DROP TABLE memory_entries; --",
    "parser\0tabs",
    "%_\\",
    "",
    " \t\n",
    "?!…",
    "\U0001f600",
    "\ud800",
)
"""Queries that mean something to one engine or another."""


class TextRules(MemorySuite):
    """Rules for the texts that entries and queries may have."""

    @rule
    async def test_any_text_is_a_query(self, store: MemoryStore, folder: Path) -> None:
        """No sign in a query has a meaning: it raises nothing, and the words in it are looked for."""
        memory = project(store)
        await memory.add("a parser of tabs", embedding=[1.0, 0.0])
        await memory.add("something else", embedding=[0.0, 1.0])
        for query in HOSTILE:
            found = contents(await memory.search(query))
            assert found == (["a parser of tabs"] if "parser" in query else []), query
            assert await memory.retrieve(query, embedding=[1.0, 0.0])
        assert await memory.count() == 2

    @rule
    async def test_any_text_is_kept(self, store: MemoryStore, folder: Path) -> None:
        """What looks like markup, code or control characters comes back as it was, and can be removed."""
        memory = project(store)
        texts = [text for text in HOSTILE if text.isprintable() or "\0" in text]
        for text in texts:
            entry_id = await memory.add(text, entry_id=f"id {text}", metadata={text or "empty": text})
            entry = await memory.get(entry_id)
            assert entry is not None
            assert (entry.content, entry.metadata) == (text, {text or "empty": text})
            assert contents(await memory.recent(metadata_filter={text or "empty": text})) == [text]
            assert await memory.remove(entry_id)
        assert await memory.count() == 0

    @rule
    async def test_half_a_surrogate_pair(self, store: MemoryStore, folder: Path) -> None:
        """A text that is no valid Unicode is kept with another sign in the place of what is not."""
        memory = project(store)
        entry_id = await memory.add("broken \ud800 text", metadata={"k": "\ud800"})
        entry = await memory.get(entry_id)
        assert entry is not None
        assert entry.content.startswith("broken ")
        assert entry.content.endswith(" text")
        assert contents(await memory.search("broken")) == [entry.content]

    @rule
    async def test_languages(self, store: MemoryStore, folder: Path) -> None:
        """Accents and case do not matter, nor does the way in which an accent is written; scripts of all kinds work."""
        memory = project(store)
        for text in (
            "Crème brûlée",
            "über Straße",
            "Ελλάδα",
            "привет мир",
            "東京都に住んでいる",
            "안녕하세요 세계",
        ):
            await memory.add(text)
        for query, found in (
            ("creme", "Crème brûlée"),
            ("BRU\u0302LE\u0301E", "Crème brûlée"),
            ("UBER", "über Straße"),
            ("ελλάδα", "Ελλάδα"),
            ("ПРИВЕТ", "привет мир"),
            ("東京", "東京都に住んでいる"),
            ("京都", "東京都に住んでいる"),
            ("세계", "안녕하세요 세계"),
        ):
            assert contents(await memory.search(query)) == [found], query
        assert await memory.search("大阪") == []

    @rule
    async def test_long_texts(self, store: MemoryStore, folder: Path) -> None:
        """A megabyte is kept, found and taken as a query, also when it is one word or all signs."""
        memory = project(store)
        long = "needle " + "hay stack " * 100_000
        await memory.add(long, entry_id="long")
        await memory.add("x" * 1_000_000, entry_id="word")
        await memory.add('"*(' * 300_000, entry_id="signs")
        kept = await memory.get("long")
        assert kept is not None
        assert kept.content == long
        assert [entry.entry_id for entry in await memory.search("needle")] == ["long"]
        assert [entry.entry_id for entry in await memory.search(long)] == ["long"]
        assert len(await memory.recent()) == 3
        await memory.search("x" * 1_000_000)
        assert await memory.search('"*(' * 300_000) == []
        assert await memory.clear() == 3
