"""Drives one run from a command: storage, engine, observers, signals, and the words at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from loopengt.cli.retyping import command_line
from loopengt.errors import LeaseLost, LoopengtError, RunOwned, StorageError
from loopengt_cli_run.asking import TerminalAsking
from loopengt_cli_run.cassettes import Tape
from loopengt_cli_run.ending import Ending, end_workspace
from loopengt_cli_run.interrupts import INTERRUPTED, Interrupts
from loopengt_cli_run.ndjson import NdjsonObserver
from loopengt_cli_run.summary import summarise
from loopengt_cli_run.text import say
from loopengt_cli_run.waiting import wait_for_turn
from loopengt_hookspecs.engines import ResumeRequest
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.storage import Storage
    from loopengt_hookspecs.tracing import Observer

__all__ = ["Begin", "Display", "Session"]


@dataclass(frozen=True, slots=True)
class Display:
    """What is shown of a run."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


class Begin(Protocol):
    """Starts or resumes the run and drives it."""

    async def __call__(self, engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        """Return how the run ended or where it paused."""


class Session:
    """One command's work with one run.

    Args:
        kernel: The project.
        display: What is shown.
        wait: Whether to stay while the run waits for a person or is driven by another process.
        ending: What becomes of the run's workspace when it ends.
        tape: What is recorded or replayed.
        ask: Whether a person at the terminal is asked what the run wants to know.
    """

    def __init__(
        self,
        kernel: Kernel,
        display: Display,
        *,
        wait: bool = False,
        ending: Ending = "keep",
        tape: Tape | None = None,
        ask: bool = False,
    ) -> None:
        self._kernel = kernel
        self._display = display
        self._wait = wait
        self._ending = ending
        self._tape = tape or Tape()
        self._ask = ask and not (display.quiet or display.as_json)
        self._ended = ""
        self._not_ended: LoopengtError | None = None

    def drive(self, begin: Begin, run_id: str = "") -> int:
        """Drive a run until it ends or pauses, say how, and return the exit code.

        Args:
            begin: Starts or resumes it.
            run_id: Its id, when it has one already.
        """
        import asyncio

        events = NdjsonObserver() if self._display.as_json else None
        observers = self._observers() if events is None else [events]
        try:
            with Interrupts() as interrupts:
                result = asyncio.run(self._drive(begin, observers, interrupts, run_id))
        finally:
            if events is not None:
                events.finish()
        if result is None:
            say("Interrupted before anything was executed.")
            return INTERRUPTED
        result.notes = (*result.notes, *self._tape.notes_on(result))
        quiet, again = self._display.quiet, self._tape.words
        for line in summarise(result, self._kernel, quiet=quiet, ended=self._ended, again=again):
            say(line)
        if self._not_ended is not None:
            raise self._not_ended
        return result.end.reason.exit_code

    def _observers(self) -> list[Observer]:
        if self._display.quiet:
            return []
        known = self._kernel.names("observers")
        everywhere = self._kernel.setting("observers", "names")
        wanted = ("terminal-verbose", "terminal") if self._display.verbose else ("terminal",)
        for name in wanted:
            if name in known:
                return [] if name in everywhere else [self._kernel.get("observers", name)]
        return []

    async def _drive(
        self, begin: Begin, observers: Sequence[Observer], interrupts: Interrupts, run_id: str
    ) -> RunResult | None:
        """Drive the run; None when a signal came before that."""
        async with self._kernel.storage() as storage:
            engine = self._kernel.engine()
            asking = TerminalAsking(storage, interrupts) if self._ask else None
            async with interrupts.reaching(engine, quiet=self._display.quiet):
                result: RunResult | None = None
                while not interrupts.requested:
                    try:
                        result = await begin(engine, storage, observers)
                    except RunOwned:
                        if not (self._wait and run_id):
                            raise
                    except LeaseLost:
                        raise
                    except StorageError:
                        say(f"What was durable is kept: {command_line(self._kernel, 'runs')}")
                        raise
                    else:
                        run_id = result.run_id
                        if result.end.reason is not EndReason.APPROVAL_REQUIRED:
                            break
                        if asking is not None and await asking.ask(result):
                            begin = _resuming(run_id, self._tape)
                            continue
                        if not self._wait:
                            break
                    turned = await wait_for_turn(storage, run_id, interrupts, self._kernel)
                    if turned and result is not None:  # until it has begun, what was asked for stands
                        begin = _resuming(run_id, self._tape)
                if result is not None and not interrupts.requested:
                    await self._end_workspace(engine, result)
            return result

    async def _end_workspace(self, engine: Engine, result: RunResult) -> None:
        command = command_line(self._kernel, "resume", result.run_id, f"--{self._ending}")
        try:
            self._ended = await end_workspace(engine, result, self._ending, command)
        except LoopengtError as exc:  # said after how the run ended
            self._not_ended = exc


def _resuming(run_id: str, tape: Tape) -> Begin:
    async def begin(engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        return await engine.resume(ResumeRequest(run_id, observers, middleware=tape.middleware))

    return begin
