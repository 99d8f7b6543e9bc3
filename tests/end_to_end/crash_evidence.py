"""What ``crash.py`` knows of a run: its journal and what its programs noted; and what must hold of both."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crash_loops import ONCE

if TYPE_CHECKING:
    from loopengt.journal import Fold
    from loopengt_hookspecs.models import Event

__all__ = [
    "Journal",
    "Line",
    "Look",
    "Watch",
    "call_of",
    "essence",
    "processes_of",
    "read_lines",
    "root_of",
    "story",
]

_OF_THE_CLOCK = {"duration", "duration_seconds", "started_at", "completed_at", "timestamp", "at", "asked_at"}
_OF_THE_MOMENT = {"by", "mark", "elapsed", "tree", "response_ids"}
"""Keys of states and events whose values differ from run to run."""
_OF_THE_ORDER = {"turn", "last_output", "current_step_index"}
"""Those whose values differ, too, where steps execute at the same time."""

_STORY = {
    "agent.invoke",
    "agent.response",
    "agent.error",
    "approval.decision",
    "budget.add",
    "budget.exceeded",
    "checkpoint.save",
    "decision",
    "gate.pass",
    "gate.fail",
    "handoff",
    "step.retry",
    "step.complete",
    "step.error",
    "loop.complete",
    "loop.error",
}
"""Events that a crash may neither add nor take away; an ``agent.invoke`` may be repeated as it was."""

_OF_ATTEMPTS = {kind for kind in _STORY if kind.startswith(("agent.", "gate.", "step."))} - {"agent.invoke"}

_CALLS = ("ask", "call", "sent")
"""Kinds of lines about calls of models and tools."""
_OUTCOMES = ("model.response", "tool.result", "tool.error")
"""Events of what came of them."""


class Line(NamedTuple):
    """A line of the effects log."""

    kind: str
    """``begin``, ``effect`` or ``gate:NAME``; of a tool ``call`` and, where that may happen once, ``sent``; ``ask``."""
    run_id: str
    """The run that was started, also where a child run of it did this."""
    attempt: str
    """``STEP/OCCURRENCE/ATTEMPT``; before it, of a child run, what its id adds to that of the run, and ``/``.
    Of a call of a tool or a model ``STEP/OCCURRENCE/CALL``."""
    parent: int
    """Pid of the process that had started the program, as long as it was there."""


@dataclass
class Journal:
    """The journal of a run, or of a child run."""

    fold: Fold
    events: list[Event]

    def attempts(self, place: str) -> Iterator[tuple[Event, str]]:
        """Yield events, each with the attempt that it belongs to, or an empty text."""
        before = f"{place}/" if place else ""
        occurrences: dict[str, int] = {}
        for event in self.events:
            name = event.step or ""
            occurrence = event.data.get("occurrence")
            if name and occurrence is not None:
                occurrences[name] = occurrence
            attempt = event.data.get("attempt", "")
            yield event, f"{before}{name}/{occurrences[name]}/{attempt}" if name in occurrences else ""


@dataclass
class Look:
    """A run as its journals tell it at a moment when nobody drives it."""

    journals: dict[str, Journal]
    """By what the run's id adds to that of the run that was started: nothing for that one, else ``.HASH``."""
    lines_before: int
    """Lines that the effects log had by then."""

    @property
    def main(self) -> Journal:
        """The journal of the run that was started."""
        return self.journals[""]

    @property
    def size(self) -> int:
        """Number of events."""
        return sum(len(journal.events) for journal in self.journals.values())

    def attempts(self) -> Iterator[tuple[Event, str]]:
        """Yield all events, each with the attempt that it belongs to."""
        for place, journal in self.journals.items():
            yield from journal.attempts(place)

    def settled(self) -> set[tuple[str, str]]:
        """Return what need not be executed again, as kinds of lines and attempts."""
        found: set[tuple[str, str]] = set()
        for event, attempt in self.attempts():
            if event.type in ("agent.response", "agent.error"):
                found |= {("begin", attempt), ("effect", attempt)}
            elif event.type in ("gate.pass", "gate.fail"):
                found.add((f"gate:{event.data['gate']}", attempt))
            elif event.type in _OUTCOMES:
                call = call_of(f"{attempt}/{event.data['call']}".replace(" ", "_"))
                found |= {(kind, call) for kind in _CALLS}
        return found

    def once(self) -> set[str]:
        """Return the steps whose effects may happen once, as far as they have begun, as attempts begin."""
        return {
            attempt.rsplit("/", 2)[0]
            for event, attempt in self.attempts()
            if event.type == "step.start" and event.data["agent"] == ONCE
        }

    def turns_done(self) -> int:
        """Count the completed executions of steps."""
        return sum(1 for event, _ in self.attempts() if event.type == "step.complete")

    def questions(self, kind: str) -> list[dict[str, Any]]:
        """Return what the run asks people: ``gate`` or ``unknown_outcome``, its own or a child's question."""
        asked = self.main.fold.questions.values()
        return [data for data in asked if kind in (data["kind"], data.get("asks"))]


class Watch:
    """Holds one look at a run after the other, and its programs' lines, against what must never happen.

    Args:
        width: How many executions may be under way at the same time.
    """

    def __init__(self, width: int) -> None:
        self.looks: list[Look] = []
        self.drivers: list[int] = []
        """Pids of the processes that drove the run, in order."""
        self._width = width

    def add(self, look: Look, lines: list[Line]) -> list[str]:
        """Take a look in.

        Args:
            look: How the run stands after the last of the drivers has gone.
            lines: The run's lines so far, ``look.lines_before`` of them or more.

        Returns:
            What is wrong, one sentence each.
        """
        wrong = [*self._of_journals(look), *self._of_lines(look, lines)]
        self.looks.append(look)
        return wrong

    def _of_journals(self, look: Look) -> Iterator[str]:
        before = self.looks[-1].journals if self.looks else {}
        yield from (
            f"the journal of child run {place} is lost" for place in before.keys() - look.journals.keys()
        )
        told: Counter[Any] = Counter()
        for place, journal in look.journals.items():
            if [event.seq for event in journal.events] != list(range(1, len(journal.events) + 1)):
                yield "the journal has gaps"
            known = before[place].events if place in before else []
            if journal.events[: len(known)] != known:
                yield "the journal does not begin with what was durable before"
            told.update(_once_only(place, journal))
        yield from (f"the journal tells {count} times of {what}" for what, count in told.items() if count > 1)

    def _of_lines(self, look: Look, lines: list[Line]) -> Iterator[str]:
        if self.looks:
            before = self.looks[-1]
            settled = before.settled()
            for line in lines[before.lines_before :]:
                if (line.kind, line.attempt) in settled:
                    yield f"{line.kind} of {line.attempt} came after its outcome was durable"
        once = look.once()
        effects = Counter(line.attempt for line in lines if line.kind == "effect")
        for attempt, count in effects.items():
            if count > 1 and attempt.rsplit("/", 2)[0] in once:
                yield f"the effect of {attempt}, which may happen once, happened {count} times"
        sent = Counter(line.attempt for line in lines if line.kind == "sent")
        yield from (
            f"{call}, which may be made once, was made {n} times" for call, n in sent.items() if n > 1
        )
        settled = look.settled()
        for driver in self.drivers[-1:]:
            own = Counter((line.kind, line.attempt) for line in lines if line.parent == driver)
            twice = [what for what, count in own.items() if count > 1]
            yield from (f"one process executed {what} more than once" for what in twice)
            lost = {(kind.replace("begin", "effect"), attempt) for kind, attempt in own.keys() - settled}
            if len(lost) > self._width:
                yield f"one crash cost more than {self._width} executions: {sorted(lost)}"


def essence(look: Look, ordered: bool) -> Any:
    """Return the final states without ids, times, and outputs of steps that were taken as done.

    Args:
        look: The run.
        ordered: Whether its steps come in the same order each time.
    """
    once = look.once()
    states = {place: _essence(place, journal, once, ordered) for place, journal in look.journals.items()}
    return {"states": states, "used": [look.main.fold.tokens, look.main.fold.cost_usd]}


def _essence(place: str, journal: Journal, once: set[str], ordered: bool) -> Any:
    dumped = journal.fold.snapshot().model_dump(mode="json")
    before = f"{place}/" if place else ""
    results = [state["result"] for name, state in dumped["step_states"].items() if before + name in once]
    results += [entry["result"] for entry in dumped["history"] if before + entry["step"] in once]
    for result in results:
        if result is not None:
            result["output"], result["metadata"] = None, {}
    if ONCE in dumped["agent_states"]:
        dumped["agent_states"][ONCE]["last_output"] = None
    turns = dumped["turn"]
    dumped = _timeless(dumped, journal.fold.run_id, ordered)
    if not ordered:
        dumped["history"].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
    return dumped | {"turns": turns}


def story(look: Look, ordered: bool) -> list[str]:
    """Return the journals without ids, times, and what interruptions add.

    Args:
        look: The run.
        ordered: Whether its steps come in the same order each time; else what happened is sorted by its words.
    """
    told: list[str] = []
    invoked: set[str] = set()
    once = look.once()
    for place, journal in look.journals.items():
        for event, attempt in journal.attempts(place):
            if event.type not in _STORY or event.data.get("kind") in ("unknown_outcome", "subloop", "tool"):
                continue
            data = dict(event.data)
            if attempt.rsplit("/", 2)[0] in once and event.type == "agent.response":
                data = {"attempt": data["attempt"]}
            data = _timeless(data, journal.fold.run_id, ordered)
            text = json.dumps([place, event.type, attempt, data], sort_keys=True)
            if event.type != "agent.invoke" or text not in invoked:
                told.append(text)
            invoked.add(text)
    return told if ordered else sorted(told)


def read_lines(log: Path) -> list[Line]:
    """Read the effects log."""
    found = []
    for text in log.read_text().splitlines():
        kind, key, parent = text.split()
        run_id = root_of(key.partition("/")[0])
        attempt = call_of(key) if kind in _CALLS else key.removeprefix(run_id).removeprefix("/")
        found.append(Line(kind, run_id, attempt, int(parent)))
    return found


def call_of(key: str) -> str:
    """Return the name of a call by its key: attempts that go on from each other have their calls in common."""
    *_, step, occurrence, _, call = key.split("/")
    return f"{step}/{occurrence}/{call}"


def root_of(run_id: str) -> str:
    """Return the id of the run to which a run belongs: its own, unless it is a child run."""
    return run_id.partition(".")[0]


def processes_of(run_ids: Iterable[str]) -> list[int]:
    """Return the pids of processes that programs of these runs have started and that still run."""
    wanted = {root_of(run_id) for run_id in run_ids}
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                environment = Path("/proc", name, "environ").read_bytes()
            except OSError:
                continue
            for variable in environment.split(b"\0"):
                key, _, value = variable.partition(b"=")
                if key == b"LOOPENGT_RUN_ID" and root_of(value.decode(errors="replace")) in wanted:
                    found.append(int(name))
    return found


def _once_only(place: str, journal: Journal) -> Iterator[tuple[Any, ...]]:
    """Yield what a journal may tell once only."""
    for event, attempt in journal.attempts(place):
        data = event.data
        if event.type in ("approval.request", "approval.decision"):
            yield event.type, place, data["id"]
        elif event.type == "checkpoint.save":
            yield event.type, place, data["checkpoint_id"]
        elif event.type in _OF_ATTEMPTS and not (event.type == "agent.error" and data.get("fatal")):
            yield event.type, data.get("gate"), attempt
        elif event.type in _OUTCOMES:
            yield "an outcome", attempt.rpartition("/")[0], data["call"]
        elif event.type in ("loop.start", "loop.complete"):
            yield event.type, place


def _timeless(value: Any, run_id: str, ordered: bool) -> Any:
    if isinstance(value, dict):
        left_out = _OF_THE_CLOCK | _OF_THE_MOMENT | (set() if ordered else _OF_THE_ORDER)
        kept = {key: _timeless(found, run_id, ordered) for key, found in value.items() if key not in left_out}
        return {key: found for key, found in kept.items() if key != "cost_source"}
    if isinstance(value, list):
        return [_timeless(found, run_id, ordered) for found in value]
    return value.replace(root_of(run_id), "RUN") if isinstance(value, str) else value
