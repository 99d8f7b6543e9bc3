"""The tasks that runs have for the model of an IDE, read from their journals."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from loopengt.approvals import seconds_left
from loopengt.errors import UsageError
from loopengt.journal import read_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt.journal import Fold
    from loopengt_hookspecs.storage import Storage

__all__ = ["Handed", "Work", "find_work", "gone", "is_for_host", "open_work", "split_task_id", "task_uri"]

_MOST_ASKED = 3
"""How often models are asked for one task; after that it is left to be taken up with next_task."""
_MOST_REMEMBERED = 1_000


def is_for_host(question: Mapping[str, Any]) -> bool:
    """Whether a question of a run is for the model of an IDE."""
    return question.get("audience") == "host"


def task_uri(task_id: str) -> str:
    """Return the URI of a task's resource."""
    run_id, _, number = task_id.rpartition("/")
    return f"task://{quote(run_id, safe='')}/{number}"


@dataclass(frozen=True, slots=True)
class Work:
    """One open task."""

    run_id: str
    number: int
    question: Mapping[str, Any]
    """Data of its ``approval.request`` event."""

    @property
    def task_id(self) -> str:
        """What clients call it: the run and the number of the question, which no other question of it gets."""
        return f"{self.run_id}/{self.number}"

    @property
    def question_id(self) -> str:
        """Id of the question in the journal."""
        return str(self.question["id"])

    @property
    def step(self) -> str:
        """The step."""
        return str(self.question.get("step") or "")

    @property
    def attempt(self) -> int:
        """Which attempt at the step it is, from 1."""
        found = self.question.get("attempt")
        return found if isinstance(found, int) else 1

    @property
    def prompt(self) -> str:
        """What to do."""
        return str(self.question.get("question") or "")

    @property
    def details(self) -> Mapping[str, Any]:
        """What the agent says beside the prompt."""
        found = self.question.get("details")
        return found if isinstance(found, dict) else {}

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the output; None: it is text."""
        found = self.question.get("schema")
        return found if isinstance(found, dict) else None

    @property
    def is_over(self) -> bool:
        """Whether its time is over, which the run takes notice of when it goes on."""
        left = seconds_left(self.question, time())
        return left is not None and left <= 0


def open_work(fold: Fold) -> list[Work]:
    """Return the open tasks of a run, in the order in which they were asked for."""
    found = []
    for place, question in enumerate(fold.questions.values(), 1):
        if is_for_host(question):
            number = question.get("number")
            found.append(Work(fold.run_id, number if isinstance(number, int) else place, question))
    return found


def split_task_id(task_id: str) -> tuple[str, int]:
    """Return the run and the number that a task's id is made of.

    Raises:
        UsageError: It is not made so.
    """
    run_id, _, number = task_id.rpartition("/")
    if not run_id or not (number.isascii() and number.isdigit() and len(number) < 10):
        raise UsageError(
            f"{task_id[:200]!r} is no id of a task",
            remedy="Give the task_id as next_task said it: RUN/NUMBER.",
        )
    return run_id, int(number)


async def find_work(storage: Storage, fold: Fold, number: int) -> Work:
    """Return an open task of a run.

    Raises:
        UsageError: It is not open; the message says what became of it.
    """
    for work in open_work(fold):
        if work.number == number:
            return work
    raise await gone(storage, fold, number)


async def gone(storage: Storage, fold: Fold, number: int) -> UsageError:
    """Make the error that says what became of a task that is not open any more."""
    task = f"task {fold.run_id}/{number}"
    async for events in read_events(storage, fold.run_id, blobs=False):
        for event in events:
            asked = event.type == "approval.request" and is_for_host(event.data)
            if asked and event.data.get("number") == number:
                decision = fold.decisions.get(event.data["id"])
                by = str(decision.get("by") or "somebody") if decision is not None else ""
                words = (
                    "its time is over"
                    if by == "timeout"
                    else f"{by} has answered it already, and that counts"
                )
                said = words if decision is not None else "it is not wanted any more"
                return UsageError(f"{task} is closed: {said}", remedy="Call next_task for what is open now.")
    return UsageError(f"there is no {task}", remedy="Call next_task for what is open now.")


class Handed:
    """Remembers, for one server, which tasks were given to whom, and which are being sampled."""

    def __init__(self) -> None:
        self._taken: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._asked: OrderedDict[str, int] = OrderedDict()
        self._busy: dict[str, tuple[str, float]] = {}

    # -- tasks ------------------------------------------------------------------------------------------------

    def take(self, work: Work, by: str) -> None:
        """Somebody was given a task."""
        _remember(self._taken, work.question_id, (by, monotonic()))

    def taken(self, work: Work) -> tuple[str, float] | None:
        """Return who was given a task last and how many seconds ago; None: nobody."""
        known = self._taken.get(work.question_id)
        return None if known is None else (known[0], monotonic() - known[1])

    def in_order(self, found: list[Work], by: str) -> list[Work]:
        """Sort tasks: those that nobody else was given first, and of the others the one given longest ago."""

        def place(work: Work) -> float:
            known = self.taken(work)
            return -float("inf") if known is None or known[0] == by else -known[1]

        return sorted(found, key=place)

    # -- sampling ---------------------------------------------------------------------------------------------

    def ask(self, work: Work, by: str, seconds: float) -> int:
        """The model of a client is asked, and within so many seconds no other one; return the how manieth time."""
        times = self._asked.get(work.question_id, 0) + 1
        _remember(self._asked, work.question_id, times)
        self._busy[work.question_id] = (by, monotonic() + seconds)
        return times

    def may_ask(self, work: Work) -> bool:
        """Whether a model may be asked: none is being asked, and it was not too often."""
        return not self.is_busy(work) and self._asked.get(work.question_id, 0) < _MOST_ASKED

    def is_busy(self, work: Work, but: str = "") -> bool:
        """Whether the model of a client is being asked, of another one than a given one."""
        known = self._busy.get(work.question_id)
        if known is not None and known[1] <= monotonic():
            del self._busy[work.question_id]
            return False
        return known is not None and known[0] != but

    def free(self, work: Work) -> None:
        """The model has answered, or will not."""
        self._busy.pop(work.question_id, None)

    def give_up(self, work: Work) -> None:
        """No model is to be asked any more."""
        _remember(self._asked, work.question_id, _MOST_ASKED)


def _remember(known: OrderedDict[str, Any], key: str, value: Any) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > _MOST_REMEMBERED:
        known.popitem(last=False)
