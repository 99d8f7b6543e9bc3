"""Time limits of attempts and gates: one timer for a whole run, since nearly all attempts end in time."""

from __future__ import annotations

import asyncio

__all__ = ["Deadline", "Deadlines"]


class Deadline:
    """A time limit; ``expired`` tells a timeout from any other cancellation."""

    __slots__ = ("_before", "_taken_back", "expired", "task", "when")

    def __init__(self, task: asyncio.Task[object], when: float) -> None:
        self.task = task
        self.when = when
        self.expired = False
        self._taken_back = False
        # Python 3.11's TaskGroup leaves a count of its own behind when one of its tasks has failed.
        self._before = task.cancelling()

    def take_back(self) -> bool:
        """Undo the count of our own cancellation; return whether nobody else cancels the task."""
        if self.expired and not self._taken_back:
            self._taken_back = True
            self.task.uncancel()
        return self.task.cancelling() <= self._before

    async def settle(self) -> None:
        """Take back our cancellation of a task that goes on: it came too late, or was swallowed.

        Raises:
            CancelledError: Somebody else has cancelled the task, too.
        """
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if not self.take_back():
                raise
        else:
            self.take_back()


class Deadlines:
    """Cancels tasks whose time is over.

    ``asyncio.timeout`` arms and cancels a timer for every attempt; here beginning and ending an attempt only adds to
    and takes from a set, and the timer is set for the earliest of them.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._active: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, seconds: float) -> Deadline:
        """Give the current task so many seconds from now."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        deadline = Deadline(task, self._loop.time() + seconds)
        self._active.add(deadline)
        if self._timer is None or deadline.when < self._timer.when():
            self._arm(deadline.when)
        return deadline

    def end(self, deadline: Deadline) -> None:
        """The attempt is over, however it ended; its limit no longer counts, nor does a cancellation of ours."""
        self._active.discard(deadline)
        if deadline.expired:
            deadline.take_back()

    def suspend(self, deadline: Deadline) -> float:
        """Stop the clock of an attempt; return the seconds that are left."""
        self._active.discard(deadline)
        return deadline.when - self._loop.time()

    def go_on(self, deadline: Deadline, seconds: float) -> None:
        """Give a suspended attempt so many seconds from now, unless its time was over before."""
        if deadline.expired:
            return
        deadline.when = self._loop.time() + seconds
        self._active.add(deadline)
        if self._timer is None or deadline.when < self._timer.when():
            self._arm(deadline.when)

    def strike(self, deadline: Deadline) -> None:
        """End an attempt's time before its limit."""
        if deadline in self._active:
            self._active.discard(deadline)
            deadline.expired = True
            deadline.task.cancel("the time limit of the attempt is over")

    def close(self) -> None:
        """Let the timer go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, when: float) -> None:
        self.close()
        self._timer = self._loop.call_at(when, self._strike)

    def _strike(self) -> None:
        self._timer = None
        now = self._loop.time()
        for deadline in [deadline for deadline in self._active if deadline.when <= now]:
            self.strike(deadline)
        if self._active:
            self._arm(min(deadline.when for deadline in self._active))
