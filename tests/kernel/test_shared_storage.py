"""The shared storage: opened for the first user and closed after the last, whoever comes and goes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel, LoopengtError, StorageError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path


class Recording:
    """A storage that keeps a record of being opened and closed; opening takes a few turns of the loop."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing = False
        self.closing = asyncio.Event()

    async def open(self) -> None:
        """Note it, slowly."""
        await asyncio.sleep(0.01)
        if self.failing:
            raise StorageError("cannot be opened")
        self.calls.append("open")

    async def close(self) -> None:
        """Note it, slowly."""
        self.closing.set()
        await asyncio.sleep(0.01)
        self.calls.append("close")


@pytest.fixture
def storage() -> Recording:
    """The storage of the kernel under test."""
    return Recording()


@pytest.fixture
def kernel(storage: Recording, tmp_path: Path) -> Kernel:
    """A kernel whose configured storage records what happens to it."""

    def hook(register: Any) -> None:
        register("recording", storage, summary="Records what happens to it")

    plugins = [("mine", SimpleNamespace(loopengt_register_storages=hookimpl(hook)))]
    return Kernel(tmp_path, plugins=plugins, config={"storage": {"name": "recording"}}, environ={})


def same(one: object, other: object) -> bool:
    """Whether two names stand for one object, whatever their types say."""
    return one is other


async def test_users_share_the_storage_while_it_is_open(kernel: Kernel, storage: Recording) -> None:
    """It is opened for the first user and closed after the last, nested users included."""
    async with kernel.storage() as outer:
        assert same(outer, storage)
        assert same(kernel.opened_storage(), storage)
        async with kernel.storage() as inner:
            assert same(inner, storage)
        assert storage.calls == ["open"]
    assert storage.calls == ["open", "close"]
    async with kernel.storage():
        pass
    assert storage.calls == ["open", "close", "open", "close"]


async def test_concurrent_users_never_see_a_storage_that_is_not_open(
    kernel: Kernel, storage: Recording
) -> None:
    """Users that come and go at once find it open, and each opening has its closing."""

    async def use(turns: int) -> str:
        async with kernel.storage():
            await asyncio.sleep(turns * 0.004)
            return storage.calls[-1]

    assert set(await asyncio.gather(*(use(turns) for turns in range(12)))) == {"open"}
    assert storage.calls == ["open", "close"]


async def test_a_user_that_comes_while_it_closes_opens_it_again(kernel: Kernel, storage: Recording) -> None:
    """Closing is finished first, then the storage is opened for the newcomer."""

    async def leave() -> None:
        async with kernel.storage():
            pass

    first = asyncio.create_task(leave())
    await storage.closing.wait()
    async with kernel.storage():
        assert storage.calls == ["open", "close", "open"]
    await first
    assert storage.calls == ["open", "close", "open", "close"]


async def test_a_cancelled_user_leaves_properly(kernel: Kernel, storage: Recording) -> None:
    """Cancelling a user closes the storage, whether it was open already or about to be."""

    async def use() -> None:
        async with kernel.storage():
            await asyncio.sleep(60)

    for seconds in (0.0, 0.005, 0.03):
        user = asyncio.create_task(use())
        await asyncio.sleep(seconds)
        user.cancel()
        with pytest.raises(asyncio.CancelledError):
            await user
    assert storage.calls == ["open", "close"]
    with pytest.raises(StorageError, match="not open"):
        kernel.opened_storage()


async def test_a_storage_that_does_not_open_can_be_tried_again(kernel: Kernel, storage: Recording) -> None:
    """The failure reaches the user and leaves nothing behind."""
    storage.failing = True
    with pytest.raises(StorageError, match="cannot be opened"):
        async with kernel.storage():
            pass
    storage.failing = False
    async with kernel.storage():
        assert storage.calls == ["open"]


def test_one_kernel_serves_one_event_loop_after_another(kernel: Kernel, storage: Recording) -> None:
    """Programs that call asyncio.run more than once can keep their kernel."""

    async def use() -> None:
        async with kernel.storage():
            await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))

    for _ in range(2):
        asyncio.run(use())
    assert storage.calls == ["open", "close"] * 2


def test_opened_storage_needs_a_user(kernel: Kernel) -> None:
    """Before anybody opened it the error says how to."""
    with pytest.raises(LoopengtError, match=r"async with kernel\.storage"):
        kernel.opened_storage()
