"""The memory store ``sqlite``: which file it uses, and the memories in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import UsageError
from loopengt_memory.store.database import Database
from loopengt_memory.store.entries import Place
from loopengt_memory.store.memory import SqliteMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.embedders import Embedder
    from loopengt_hookspecs.models import MemoryScope
    from loopengt_hookspecs.registration import Components, PluginContext

__all__ = ["SqliteMemoryStore"]

_OWN_FILE = ".loopengt/memory.db"


class SqliteMemoryStore:
    """Keeps the memories of a project in one SQLite database, that of the runs by default.

    Args:
        path: The database file; made, with its folder, when something is remembered for the first time.
        embedder: Returns what makes embeddings, or None; called when one is needed.
        patience: Seconds to wait while another process writes.
    """

    def __init__(
        self, path: Path, *, embedder: Callable[[], Embedder | None] = lambda: None, patience: float = 30.0
    ) -> None:
        self.path = path
        self._embedder = embedder
        self._database = Database(path, patience)

    @classmethod
    def from_context(cls, context: PluginContext) -> SqliteMemoryStore:
        """Make the store of a project, as its options say."""
        from loopengt_memory.options import MemoryOptions

        options = context.options or MemoryOptions()
        path = Path(options.path).expanduser() if options.path else _default_path(context.components)
        return cls(context.project / path, embedder=partial(_configured_embedder, context.components))

    def memory(self, scope: MemoryScope, name: str = "") -> SqliteMemory:
        """Return the memory of a scope; see ``MemoryStore.memory``.

        Raises:
            UsageError: The name of the run or loop is missing.
        """
        kind = str(scope)
        if kind == "project":
            name = ""
        elif not name:
            what = "the id of the run" if kind == "run" else "the name of the loop"
            raise UsageError(f"the memory of a {kind} needs {what}", remedy="Name it.")
        place = Place(kind, name.encode("utf-8", "replace").decode())
        return SqliteMemory(self._database, place, self._embedder)

    async def close(self) -> None:
        """Let the file go; the store can be used again after it."""
        await self._database.close()


def _default_path(components: Components) -> Path:
    if components.setting("storage", "name") == "sqlite":
        storage: Any = components.get("storages", "sqlite")
        path = getattr(storage, "path", None)
        if isinstance(path, Path):
            return path
    return Path(_OWN_FILE)


def _configured_embedder(components: Components) -> Embedder | None:
    name = components.setting("memory", "embedder")
    if not name:
        return None
    embedder: Embedder = components.get("embedders", name)
    return embedder
