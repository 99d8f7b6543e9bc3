"""The runs that this process drives: tasks that outlast the calls of clients, and rest when the server ends."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from loopengt import get_logger
from loopengt.errors import LoopengtError, UsageError
from loopengt.finding import exact_run, is_driven
from loopengt.leaving import LeavingJournals, leaving_redactor
from loopengt_mcp.server.watching import Watcher
from loopengt_mcp.server.wording import for_model

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.storage import Storage
    from loopengt_mcp.server.news import News

__all__ = ["Drive", "Progress", "Runs", "new_run_id"]

Drive: TypeAlias = Callable[["Engine", Watcher], Awaitable["RunResult"]]
"""Starts, resumes or forks a run with an engine, watched by the given observer, and drives it."""

Progress: TypeAlias = Callable[[int, str], Awaitable[None]]
"""Is told how many things have happened, and what happened last."""

_PAUSE_SECONDS = 20.0
"""How long runs may take to rest when the server ends; after that they are left to be found as crashed."""
_POLL_SECONDS = 0.2
_MOST_ERRORS = 100


def new_run_id() -> str:
    """Return the id of a new run: the time, so that ids sort, and random letters."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(5)}"


class Runs:
    """Owns the open storage and the runs that were begun here.

    Args:
        kernel: The project.
        news: Is told what happens.
    """

    def __init__(self, kernel: Kernel, news: News) -> None:
        self._kernel = kernel
        self._news = news
        self._stack = AsyncExitStack()
        self._opened: Storage | None = None
        self._opening = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[RunResult]] = {}
        self._watchers: dict[str, Watcher] = {}
        self._closing = False
        self._journals: LeavingJournals | None = None
        self.errors: dict[str, str] = {}
        """Why runs that were driven here broke off, by their ids."""

    async def storage(self) -> Storage:
        """Return the storage, which is open from its first use to the end of the server.

        Raises:
            StorageError: It cannot be opened.
        """
        async with self._opening:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._kernel.storage())
            return self._opened

    async def journals(self) -> LeavingJournals:
        """Return the journals as clients may see them: without secrets, also those that were none when written.

        Raises:
            StorageError: The storage cannot be opened.
        """
        storage = await self.storage()
        if self._journals is None:
            self._journals = LeavingJournals(storage, leaving_redactor(self._kernel))
        return self._journals

    def drives(self, run_id: str) -> bool:
        """Whether the run is driven here."""
        task = self._tasks.get(run_id)
        return task is not None and not task.done()

    def watcher(self, run_id: str) -> Watcher | None:
        """Return what watches a run that is driven here; None: it is not."""
        return self._watchers.get(run_id) if self.drives(run_id) else None

    async def begin(self, run_id: str, drive: Drive) -> None:
        """Begin to drive a run; returns when it goes on, or has come to rest already.

        Raises:
            LoopengtError: It cannot be begun.
        """
        if self._closing:
            raise UsageError("the server is ending, and begins no run", remedy="Start it again.")
        if self.drives(run_id):
            raise UsageError(f"run {run_id} is driven by this server already", remedy="Call wait_run.")
        await self.storage()
        watcher = Watcher(run_id, self._news)
        self.errors.pop(run_id, None)
        task: asyncio.Task[RunResult] = asyncio.create_task(
            _driven(drive, self._kernel.engine(), watcher), name=f"loopengt run {run_id}"
        )
        self._tasks[run_id], self._watchers[run_id] = task, watcher
        task.add_done_callback(lambda done: self._ended(run_id, done, watcher))
        begun = asyncio.create_task(watcher.begun.wait())
        try:
            await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        if task.done() and not watcher.begun.is_set() and (error := task.exception()) is not None:
            raise error

    async def wait(self, run_id: str, seconds: float, progress: Progress) -> None:
        """Wait until a run rests, whoever drives it, or the time is over."""
        task, watcher = self._tasks.get(run_id), self._watchers.get(run_id)
        if task is None or watcher is None:
            await self._wait_for_others(run_id, seconds)
            return
        clock = asyncio.get_running_loop()
        until = clock.time() + seconds
        told = 0
        with watcher.listening() as news:
            while not task.done() and (left := until - clock.time()) > 0:
                news.clear()
                if watcher.count > told:
                    told = watcher.count
                    await progress(told, watcher.message)
                waiting = asyncio.create_task(news.wait())
                try:
                    await asyncio.wait({task, waiting}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
        if watcher.count > told:
            await progress(watcher.count, watcher.message)

    async def pause(self, run_id: str) -> None:
        """Pause a run that is driven here, and wait until it rests; of another, nothing is done."""
        task = self._tasks.get(run_id)
        if task is not None:
            await self._rest([task], lambda: self._kernel.engine().interrupt(run_id))

    async def rest(self) -> None:
        """Pause every run, and begin none any more; they can still be read."""
        self._closing = True
        tasks = list(self._tasks.values())
        if tasks:
            await self._rest(tasks, self._kernel.engine().interrupt)

    async def close(self) -> None:
        """Pause every run, and close the storage."""
        try:
            await self.rest()
        finally:
            await self._stack.aclose()
            self._opened, self._closing = None, False

    async def _rest(self, tasks: list[asyncio.Task[RunResult]], interrupt: Callable[[], None]) -> None:
        clock = asyncio.get_running_loop()
        until = clock.time() + _PAUSE_SECONDS
        left = set(tasks)
        while left and clock.time() < until:
            interrupt()  # again and again: a run may be at a place where it takes no notice yet
            _, left = await asyncio.wait(left, timeout=0.05)
        for task in left:
            task.cancel()
        if left:
            get_logger("loopengt.mcp").warning("runs did not pause in time", count=len(left))
            await asyncio.wait(left, timeout=2)

    async def _wait_for_others(self, run_id: str, seconds: float) -> None:
        storage = await self.storage()
        clock = asyncio.get_running_loop()
        until = clock.time() + seconds
        while (left := until - clock.time()) > 0:
            row = await exact_run(storage, run_id)
            if row is None or not is_driven(row):
                return
            await asyncio.sleep(min(_POLL_SECONDS, left))

    def _ended(self, run_id: str, task: asyncio.Task[RunResult], watcher: Watcher) -> None:
        if self._tasks.get(run_id) is task:  # it may have been taken up again already
            del self._tasks[run_id], self._watchers[run_id]
        watcher.tell()
        error = None if task.cancelled() else task.exception()
        if error is not None and watcher.begun.is_set():
            inside = f"internal error: {type(error).__name__}"
            self.errors[run_id] = for_model(error) if isinstance(error, LoopengtError) else inside
            while len(self.errors) > _MOST_ERRORS:
                self.errors.pop(next(iter(self.errors)))
            get_logger("loopengt.mcp").error("a run broke off", run_id=run_id, exc_info=error)
        self._news.of_run(run_id)
        self._news.of_runs()


async def _driven(drive: Drive, engine: Engine, watcher: Watcher) -> RunResult:
    return await drive(engine, watcher)
