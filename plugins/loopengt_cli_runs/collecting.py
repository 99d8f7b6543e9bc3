"""Looks for garbage seldom, while a command makes much that stays and has no cycles."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["few_collections"]


@contextmanager
def few_collections() -> Iterator[None]:
    """Look seldom within the block, and not at all for what is left when the process ends."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 1000)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*before)
