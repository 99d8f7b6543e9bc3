"""A memory store: the built-in one, which here never keeps an e-mail address."""

import re
from collections.abc import Sequence
from typing import Any, Self

from loopengt import PluginContext
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.memory import Memory, MemoryStore
from loopengt_hookspecs.models import MemoryEntry, MemoryScope
from loopengt_hookspecs.registration import Register

ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


class Discreet:
    def __init__(self, inner: MemoryStore) -> None:
        self._inner = inner

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        return cls(context.components.get("memories", "sqlite"))

    def memory(self, scope: MemoryScope, name: str = "") -> "DiscreetMemory":
        return DiscreetMemory(self._inner.memory(scope, name))

    async def close(self) -> None:
        await self._inner.close()


class DiscreetMemory:
    def __init__(self, inner: Memory) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:  # all that reads and removes
        return getattr(self._inner, name)

    async def add(self, content: str, **rest: Any) -> str:
        return await self._inner.add(ADDRESS.sub("[address]", content), **rest)

    async def add_many(self, entries: Sequence[MemoryEntry]) -> list[str]:
        texts = [ADDRESS.sub("[address]", entry.content) for entry in entries]
        changed = [
            entry.model_copy(update={"content": text}) for entry, text in zip(entries, texts, strict=True)
        ]
        return await self._inner.add_many(changed)


@hookimpl
def loopengt_register_memories(register: Register[Any]) -> None:
    register("discreet", Discreet, summary="The built-in memory, without e-mail addresses")
