"""Asks a trigger for one occasion after another, and closes it once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt.errors import LoopengtError, PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt.triggering import BoundTrigger

__all__ = ["Listening"]


class Listening:
    """A trigger that is waited for.

    Args:
        bound: The trigger.
    """

    def __init__(self, bound: BoundTrigger) -> None:
        self._bound = bound
        self._found: Any = bound.trigger.occasions()
        self._coming: asyncio.Future[Any] | None = None
        self.goes_on = True
        """Whether there may be further occasions."""

    def coming(self) -> set[asyncio.Future[Any]]:
        """Return the future of the next occasion; empty: there is none any more."""
        if self.goes_on and self._coming is None:
            self._coming = asyncio.ensure_future(self._next())
        return set() if self._coming is None else {self._coming}

    async def take(self) -> Mapping[str, Any] | None:
        """Return the occasion that has come; None: none has. After the last one the trigger is closed.

        Raises:
            LoopengtError: The trigger cannot wait.
            PluginError: The trigger has failed.
        """
        if self._coming is None or not self._coming.done():
            return None
        coming, self._coming = self._coming, None
        event: Mapping[str, Any] | None = coming.result()
        if event is None:
            await self.end()
        return event

    async def end(self) -> None:
        """Wait no longer, and close the trigger; only the first time."""
        if not self.goes_on:
            return
        self.goes_on = False
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await coming
        close = getattr(self._found, "aclose", None)
        try:
            if close is not None:
                await close()
            await self._bound.trigger.close()
        except LoopengtError:
            raise
        except Exception as exc:
            raise self._failed(exc) from exc

    async def _next(self) -> Mapping[str, Any] | None:
        try:
            event = await anext(self._found, None)
            return None if event is None else dict(event)
        except LoopengtError:
            raise
        except Exception as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: Exception) -> PluginError:
        return PluginError(f"the trigger {self._bound.name!r} has failed: {type(exc).__name__}: {exc}")
