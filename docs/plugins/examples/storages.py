"""A storage: the built-in one, which here refuses large blobs."""

from typing import Any, Self

from loopengt import PluginContext
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.storage import Storage, StorageFull

MOST = 64 * 2**20


class Capped:
    """Does one thing itself, and leaves the keeping of journals to the storage within."""

    def __init__(self, inner: Storage, most: int = MOST) -> None:
        self._inner, self._most = inner, most

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        return cls(context.components.get("storages", "sqlite"))

    def __getattr__(self, name: str) -> Any:  # open, close, create, claim, append, read and all others
        return getattr(self._inner, name)

    async def put_blob(self, data: bytes) -> str:
        if len(data) > self._most:
            remedy = "have the agent write it to a file of the workspace"
            raise StorageFull(f"a blob of {len(data)} bytes is larger than {self._most}", remedy=remedy)
        return await self._inner.put_blob(data)


@hookimpl
def loopengt_register_storages(register: Register[Any]) -> None:
    register("capped", Capped, summary="SQLite, without blobs above 64 MiB")
