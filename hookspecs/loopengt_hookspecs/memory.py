"""Extension point: memory, what runs remember beyond their own journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt_hookspecs.models import MemoryEntry, MemoryScope
    from loopengt_hookspecs.registration import Register

__all__ = ["Memory", "MemoryStore", "loopengt_register_memories"]


class Memory(Protocol):
    """Keeps entries of text in one scope and finds them again.

    A ``metadata_filter`` names keys of the metadata and the values that they must have, all of them; a list as value
    means any of its items.
    """

    async def add(
        self,
        content: str,
        *,
        entry_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding: Sequence[float] | None = None,
    ) -> str:
        """Keep an entry and return its id; one that is there already under that id is replaced.

        Args:
            content: The text.
            entry_id: Its id; None: a hash of the content.
            metadata: JSON data to filter by.
            embedding: Vector of the text; None: made by the configured embedder, where there is one.
        """

    async def add_many(self, entries: Sequence[MemoryEntry]) -> list[str]:
        """Keep many entries at once and return their ids."""

    async def get(self, entry_id: str) -> MemoryEntry | None:
        """Return an entry, or None."""

    async def remove(self, entry_id: str) -> bool:
        """Forget an entry; False when there was none."""

    async def clear(self) -> int:
        """Forget everything; return how many entries there were."""

    async def count(self) -> int:
        """Return how many entries there are."""

    async def search(
        self, query: str, *, top_k: int = 5, metadata_filter: Mapping[str, Any] | None = None
    ) -> list[MemoryEntry]:
        """Find entries by their words, best first. Any text is a query; nothing in it has a special meaning."""

    async def vector_search(
        self,
        embedding: Sequence[float],
        *,
        top_k: int = 5,
        metadata_filter: Mapping[str, Any] | None = None,
    ) -> list[MemoryEntry]:
        """Find entries by the nearness of their embedding, best first.

        Raises:
            UsageError: The embedding has another number of dimensions than those that are kept.
        """

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
        """Find entries by words and by nearness, both merged, best first.

        Args:
            query: What is looked for.
            top_k: Most entries to return.
            metadata_filter: See the class.
            embedding: Vector of the query; None: made by the configured embedder; without one, words alone decide.
            keyword_weight: Weight of the words, from 0.
            vector_weight: Weight of the nearness, from 0.
            merge: ``reciprocal_rank`` (by the places in the two lists) or ``weighted`` (by the scores, each scaled
                to 0..1).
        """

    async def recent(
        self, *, top_k: int = 5, metadata_filter: Mapping[str, Any] | None = None
    ) -> list[MemoryEntry]:
        """Return the entries that were added last, newest first."""


class MemoryStore(Protocol):
    """Holds the memories of a project, one for each scope."""

    def memory(self, scope: MemoryScope, name: str = "") -> Memory:
        """Return the memory of a scope; it need not hold anything yet.

        Args:
            scope: ``run``, ``loop`` or ``project``.
            name: Id of the run, or name of the loop; empty for the project's.
        """

    async def close(self) -> None:
        """Let files and connections go; the store can be used again after it."""


@hookspec
def loopengt_register_memories(register: Register[MemoryStore]) -> None:
    """Register memory stores.

    Called once when the plugin is loaded. ``[memory] name`` of config.toml says which is used.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``MemoryStore``.

    Raises:
        PluginError: Another plugin registers a store of the same name.

    Since: 0.2
    """
