"""An agent's answer that never comes."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Hanging"]


class Hanging:
    """An answer that never comes; it tells when it was asked for and when it was cancelled."""

    def __init__(self, after: Any = None) -> None:
        self.asked = asyncio.Event()
        self.cancelled = False
        self._after = after

    async def __call__(self, _: object) -> Any:
        """Hang; when cancelled, pass it on, or do as an agent does that knows better."""
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            if isinstance(self._after, Exception):
                raise self._after from None
            if self._after is None:
                raise
        return self._after
