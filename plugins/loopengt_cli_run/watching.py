"""Waits for the occasions of a loop, and starts its runs."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from loopengt.errors import LoopengtError, UsageError
from loopengt.logs import get_logger
from loopengt.triggering import EVENT, bind_trigger, trigger_line
from loopengt_cli_run.interrupts import INTERRUPTED, Interrupts
from loopengt_cli_run.listening import Listening
from loopengt_cli_run.ndjson import NdjsonObserver
from loopengt_cli_run.settings import merged
from loopengt_cli_run.sole import sole_watcher
from loopengt_cli_run.summary import summarise
from loopengt_cli_run.text import lines_of, say
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import Overlap, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt import Kernel
    from loopengt.triggering import BoundTrigger
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.tracing import Observer

__all__ = ["Watch"]

MOST_QUEUED = 100
"""Most occasions that wait for their turn."""
MOST_PARALLEL = 16
"""Most runs side by side."""
_FOR_EVER = 1e9


class Watch:
    """Watches for the occasions of one loop.

    Args:
        kernel: The project.
        spec: The loop's file or folder.
        given: What was set of the context.
        as_json: Whether the events of the runs are printed on stdout.

    Raises:
        LoopengtError: The loop cannot be loaded.
    """

    def __init__(
        self, kernel: Kernel, spec: Path, given: Mapping[str, Any], *, as_json: bool = False
    ) -> None:
        self._kernel = kernel
        self._given = given
        self._path = spec
        self._as_json = as_json
        request = self._request({})
        self._name, self._declared = request.spec.name, request.spec.trigger
        self._source = request.source or spec
        self._bound: BoundTrigger = bind_trigger(kernel, self._declared, kernel.project)
        self._observers: list[Observer] = []
        self._occasions = 0
        self._started = 0
        self._most: int | None = None
        self._queue: deque[tuple[int, dict[str, Any]]] = deque()
        self._runs: dict[asyncio.Task[RunResult], int] = {}
        self._code = 0

    def go(self, most: int | None = None) -> int:
        """Watch until there are no more occasions, enough runs, or a signal; return the exit code.

        Args:
            most: Most runs to start; None: any number.

        Raises:
            UsageError: Another process watches the loop, or the trigger cannot wait.
            PluginError: The trigger failed.
        """
        self._most = most
        with sole_watcher(self._kernel, self._source):
            events = NdjsonObserver() if self._as_json else None
            self._observers = [events] if events is not None else self._shown()
            try:
                with Interrupts() as interrupts:
                    asyncio.run(self._watch(interrupts))
            finally:
                if events is not None:
                    events.finish()
        return INTERRUPTED if interrupts.requested else self._code

    def _shown(self) -> list[Observer]:
        """Return the view of the terminal, unless runs go side by side: it shows one at a time."""
        name = "terminal"
        everywhere = self._kernel.setting("observers", "names")
        if self._bound.overlap is Overlap.PARALLEL or name in everywhere:
            return []
        return [self._kernel.get("observers", name)] if name in self._kernel.names("observers") else []

    async def _watch(self, interrupts: Interrupts) -> None:
        async with self._kernel.storage():
            engine = self._kernel.engine()
            async with interrupts.reaching(engine, quiet=True):
                say(f"Watching {self._name}: {trigger_line(self._bound)}. Ctrl-C ends it.")
                stopping = asyncio.ensure_future(interrupts.wait(_FOR_EVER))
                try:
                    await self._until(stopping, engine)
                finally:
                    stopping.cancel()
                    if interrupts.requested:
                        say(_farewell(len(self._runs), len(self._queue)))
                        self._queue.clear()
                    while self._runs:
                        await asyncio.wait(self._runs)
                        self._tell_ended()

    async def _until(self, stopping: asyncio.Future[None], engine: Engine) -> None:
        """Take occasions until there are no more, enough runs were started and have ended, or a signal comes."""
        listening = Listening(self._bound)
        try:
            while listening.goes_on or self._runs or self._queue:
                waiting: set[asyncio.Future[Any]] = {stopping, *self._runs, *listening.coming()}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if stopping.done():
                    return
                # First: what comes together with the end of a run overlaps with it.
                event = await listening.take()
                if event is not None:
                    self._take(event, engine)
                self._tell_ended()
                self._start_queued(engine)
                if self._enough:
                    self._queue.clear()
                    await listening.end()
        finally:
            await listening.end()

    @property
    def _enough(self) -> bool:
        return self._most is not None and self._started >= self._most

    def _take(self, event: Mapping[str, Any], engine: Engine) -> None:
        """Start a run for an occasion, or do with it what ``overlap`` says."""
        self._occasions += 1
        number, overlap = self._occasions, self._bound.overlap
        known = {**event, "trigger": self._bound.name, "at": utc_now().isoformat()}
        if not self._runs:
            self._start(number, known, engine)
        elif overlap is Overlap.SKIP:
            say(f"Occasion {number} is skipped: a run is under way (overlap: skip).")
        elif overlap is Overlap.PARALLEL and len(self._runs) < MOST_PARALLEL:
            self._start(number, known, engine)
        elif overlap is Overlap.PARALLEL:
            say(
                f"Occasion {number} is skipped: {MOST_PARALLEL} runs are under way, and no more go side by side."
            )
        elif len(self._queue) < MOST_QUEUED:
            self._queue.append((number, known))
            say(f"Occasion {number} waits for the run under way to end; {len(self._queue)} in the queue.")
        else:
            say(f"Occasion {number} is skipped: {MOST_QUEUED} wait already.")

    def _start_queued(self, engine: Engine) -> None:
        while self._queue and not self._runs and not self._enough:
            self._start(*self._queue.popleft(), engine)

    def _start(self, number: int, event: dict[str, Any], engine: Engine) -> None:
        self._started += 1
        say(f"Occasion {number} of {self._bound.name}, at {event['at'][:19]}Z: a run starts.")
        self._runs[asyncio.ensure_future(self._run(event, engine))] = number

    async def _run(self, event: dict[str, Any], engine: Engine) -> RunResult:
        request = self._request(event)
        if request.spec.trigger != self._declared:
            say("note: the trigger in the spec has changed; that counts when watch is started anew.")
        return await engine.start(request)

    def _request(self, event: Mapping[str, Any]) -> RunRequest:
        """Load the loop as it is now."""
        loaded = self._kernel.load_spec(self._path, frozenset(self._given) | {EVENT})
        context = merged(merged(loaded.spec.context, self._given), {EVENT: dict(event)})
        source = loaded.path.resolve()
        return RunRequest(
            loaded.spec, source=source, context=context, observers=self._observers if event else ()
        )

    def _tell_ended(self) -> None:
        """Say how runs have ended; one that failed is no reason to stop watching."""
        ended = [task for task in self._runs if task.done()]
        for task in ended:
            number = self._runs.pop(task)
            code = self._tell(number, task)
            self._code = self._code or code
        forget = getattr(self._bound.trigger, "forget", None)
        if ended and not self._runs and forget is not None and self._bound.overlap is Overlap.SKIP:
            forget()

    def _tell(self, number: int, task: asyncio.Task[RunResult]) -> int:
        try:
            result = task.result()
        except LoopengtError as error:
            _say_all(f"Occasion {number}: the run could not go on: {error.message}", error.remedy)
            return 2 if isinstance(error, UsageError) else 1
        except Exception as exc:
            get_logger("loopengt_cli_run").error(
                "a run that was started by watch has broken off", exc_info=exc
            )
            _say_all(f"Occasion {number}: the run has broken off: {type(exc).__name__}: {exc}")
            return 1
        if self._bound.overlap is Overlap.PARALLEL:
            say(f"Occasion {number}:")
        for line in summarise(result, self._kernel, quiet=False):
            say(line)
        return result.end.reason.exit_code


def _say_all(*lines: str) -> None:
    for text in lines:
        for line in lines_of(text):
            say(line)


def _farewell(runs: int, queued: int) -> str:
    words = ["Interrupted: no more runs are started"]
    if runs:
        words.append("what is under way is being paused; once more to abort at once")
    if queued:
        words.append(f"{queued} waiting {'occasion is' if queued == 1 else 'occasions are'} dropped")
    return f"{'; '.join(words)}."
