"""What asks a run from outside to stop: a person, or a stop condition that looks at more than the run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt_hookspecs.errors import StorageError
from loopengt_hookspecs.models import End, EndReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loopengt_local.run import LocalRun

__all__ = ["Stopping"]


class Stopping:
    """Has a run stop before its next turn, or at once; what was asked for is kept in the journal until it is done.

    Args:
        run: The run.
        break_off: Ends the run so, at once; what the agent was doing is cancelled.
        live: Whether the journal is written already; else ``go_live`` says when.
    """

    def __init__(self, run: LocalRun, break_off: Callable[[End], None], *, live: bool) -> None:
        self._run = run
        self._break_off = break_off
        self._live = live
        self._asked: dict[str, Any] | None = None
        """What was asked for before the journal was written."""
        self._writing: asyncio.Task[None] | None = None
        self._rules = [rule for rule in run.compiled.stop_rules if getattr(rule, "polled", False)]

    @property
    def polls(self) -> bool:
        """Whether there is anything to poll."""
        return bool(self._rules)

    def receive(self, signal: Mapping[str, Any]) -> None:
        """Do as a signal of the type ``stop`` says."""
        detail = str(signal.get("comment") or "stopped by `loopengt stop`")
        self.ask(End(EndReason.STOPPED, detail))
        if signal.get("now") is True and self._live and self._run.stop_requested is not None:
            self._break_off(self._run.stop_requested)

    def poll(self) -> None:
        """Ask the stop conditions that can come to hold in the midst of a turn."""
        for rule in self._rules:
            try:
                end = rule.check(self._run)
            except Exception as exc:
                # The check before the next turn says the same, aloud.
                get_logger("loopengt.local").warning("stop condition raised", exc_info=exc)
                continue
            if end is not None:
                self.ask(end)
                return

    def go_live(self, asked: dict[str, Any] | None) -> None:
        """The journal is written from now on; what is noted here rides with the next commit.

        Args:
            asked: What an earlier owner of the run was asked for and has not done.
        """
        self._live = True
        known = asked or self._asked
        if known is None:
            self.poll()
            return
        self._run.journal.note("loop.stop", None, known)
        if self._run.stop_requested is None:
            self._run.stop_requested = End(EndReason(known["reason"]), known["detail"])

    async def close(self) -> None:
        """Wait until all is written."""
        if self._writing is not None:
            await self._writing

    def ask(self, end: End) -> None:
        """Have the run, and its child runs, end so before the next turn."""
        run = self._run
        if run.stop_requested is not None:
            return
        run.stop_requested = end
        run.waits.end()
        if run.children is not None:
            run.children.stop(end)
        asked = {"reason": end.reason.value, "detail": end.detail}
        if self._live:
            run.journal.note("loop.stop", None, asked)
            self._writing = asyncio.create_task(self._write(), name="loopengt stop")
        else:
            self._asked = asked

    async def _write(self) -> None:
        with suppress(StorageError):  # the run's own next append fails, too, and says so
            await self._run.journal.commit()
