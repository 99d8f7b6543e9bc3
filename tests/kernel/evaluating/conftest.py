"""What the tests of evaluating share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from loopengt import Kernel
    from loopengt_hookspecs.storage import Storage


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[Kernel], Any]]:
    """Open the storage of a kernel until the test ends."""
    contexts = []

    async def enter(kernel: Kernel) -> Storage:
        context = kernel.storage()
        storage = await context.__aenter__()
        contexts.append(context)
        return storage

    yield enter
    for context in contexts:
        await context.__aexit__(None, None, None)
