"""Extension point: memory, what runs remember beyond their own journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt_hookspecs.models import MemoryEntry
    from loopengt_hookspecs.registration import Register


class Memory(Protocol):
    """Keeps entries of text and finds them again."""

    async def add(
        self,
        content: str,
        *,
        entry_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        embedding: Sequence[float] | None = None,
    ) -> str:
        """Keep an entry and return its id; None as id: a hash of the content."""

    async def get(self, entry_id: str) -> MemoryEntry | None:
        """Return an entry, or None."""

    async def remove(self, entry_id: str) -> bool:
        """Forget an entry; False when there was none."""

    async def clear(self) -> None:
        """Forget everything."""

    async def search(
        self, query: str, *, top_k: int = 5, metadata_filter: Mapping[str, Any] | None = None
    ) -> list[MemoryEntry]:
        """Find entries by their words, best first."""

    async def vector_search(
        self,
        embedding: Sequence[float],
        *,
        top_k: int = 5,
        metadata_filter: Mapping[str, Any] | None = None,
    ) -> list[MemoryEntry]:
        """Find entries by the nearness of their embedding, best first."""


@hookspec
def loopengt_register_memories(register: Register[Memory]) -> None:
    """Register memories.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Memory``.

    Raises:
        PluginError: Another plugin registers a memory of the same name.

    Since: 0.2
    """
