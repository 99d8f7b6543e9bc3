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

__all__ = ["Line", "Look", "Watch", "essence", "processes_of", "read_lines", "story"]

_OF_THE_CLOCK = {"duration", "duration_seconds", "started_at", "completed_at", "timestamp"}
"""Keys of states and events whose values differ from run to run."""

_STORY = {
    "agent.invoke",
    "agent.response",
    "agent.error",
    "gate.pass",
    "gate.fail",
    "step.retry",
    "step.complete",
    "step.error",
    "loop.complete",
    "loop.error",
}
"""Events that a crash may neither add nor take away; an ``agent.invoke`` may be repeated as it was."""


class Line(NamedTuple):
    """A line of the effects log."""

    kind: str
    """``begin``, ``effect`` or ``gate:NAME``."""
    run_id: str
    attempt: str
    """``STEP/OCCURRENCE/ATTEMPT``."""
    parent: int
    """Pid of the process that had started the program, as long as it was there."""


@dataclass
class Look:
    """A run as its journal tells it at a moment when nobody drives it."""

    fold: Fold
    events: list[Event]
    lines_before: int
    """Lines that the effects log had by then."""

    def settled(self) -> set[tuple[str, str]]:
        """Return what need not be executed again, as kinds of lines and attempts."""
        found: set[tuple[str, str]] = set()
        for event, attempt in _attempts(self.events):
            if event.type in ("agent.response", "agent.error"):
                found |= {("begin", attempt), ("effect", attempt)}
            elif event.type in ("gate.pass", "gate.fail"):
                found.add((f"gate:{event.data['gate']}", attempt))
        return found

    def once(self) -> set[str | None]:
        """Return the names of the steps whose effects may happen once, as far as they have begun."""
        starts = (event for event in self.events if event.type == "step.start")
        return {event.step for event in starts if event.data["agent"] == ONCE}

    def turns_done(self) -> int:
        """Count the completed executions of steps."""
        return sum(1 for event in self.events if event.type == "step.complete")

    def question(self) -> str:
        """Return the attempt of which the run asks whether it was made, or nothing."""
        asked = next(iter(self.fold.questions.values()), {})
        if asked.get("kind") != "unknown_outcome":
            return ""
        (opened,) = self.fold.open.values()
        return f"{opened.step}/{opened.occurrence}/{opened.attempt}"


class Watch:
    """Holds one look at a run after the other, and its programs' lines, against what must never happen."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.drivers: list[int] = []
        """Pids of the processes that drove the run, in order."""

    def add(self, look: Look, lines: list[Line]) -> list[str]:
        """Take a look in.

        Args:
            look: How the run stands after the last of the drivers has gone.
            lines: The run's lines so far, ``look.lines_before`` of them or more.

        Returns:
            What is wrong, one sentence each.
        """
        wrong = [*self._of_journal(look), *self._of_lines(look, lines)]
        self.looks.append(look)
        return wrong

    def _of_journal(self, look: Look) -> Iterator[str]:
        if [event.seq for event in look.events] != list(range(1, len(look.events) + 1)):
            yield "the journal has gaps"
        if self.looks and look.events[: len(self.looks[-1].events)] != self.looks[-1].events:
            yield "the journal does not begin with what was durable before"
        told = Counter(
            (event.type, event.data.get("gate"), attempt)
            for event, attempt in _attempts(look.events)
            if event.type in _STORY and event.type != "agent.invoke"
        )
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
            if count > 1 and attempt.partition("/")[0] in once:
                yield f"the effect of {attempt}, which may happen once, happened {count} times"
        settled = look.settled()
        for driver in self.drivers[-1:]:
            own = Counter((line.kind, line.attempt) for line in lines if line.parent == driver)
            twice = [what for what, count in own.items() if count > 1]
            yield from (f"one process executed {what} more than once" for what in twice)
            lost = {(kind.replace("begin", "effect"), attempt) for kind, attempt in own.keys() - settled}
            if len(lost) > 1:
                yield f"one crash cost more than one execution: {sorted(lost)}"


def essence(look: Look) -> Any:
    """Return the final state without ids, times, and outputs of steps that were taken as done."""
    dumped = look.fold.snapshot().model_dump(mode="json")
    once = look.once()
    results = [state["result"] for name, state in dumped["step_states"].items() if name in once]
    results += [entry["result"] for entry in dumped["history"] if entry["step"] in once]
    for result in results:
        result["output"], result["metadata"] = None, {}
    dumped["agent_states"][ONCE]["last_output"] = None
    return _timeless(dumped, look.fold.run_id)


def story(look: Look) -> list[Any]:
    """Return the journal without ids, times, and what interruptions add."""
    told: dict[str, None] = {}
    once = look.once()
    for event, attempt in _attempts(look.events):
        if event.type in _STORY:
            data = dict(event.data)
            if event.step in once and event.type == "agent.response":
                data["output"] = data["metadata"] = None
            text = json.dumps([event.type, attempt, _timeless(data, look.fold.run_id)], sort_keys=True)
            told[text] = None
    return list(told)


def read_lines(log: Path) -> list[Line]:
    """Read the effects log."""
    found = []
    for text in log.read_text().splitlines():
        kind, key, parent = text.split()
        run_id, _, attempt = key.partition("/")
        found.append(Line(kind, run_id, attempt, int(parent)))
    return found


def processes_of(run_ids: Iterable[str]) -> list[int]:
    """Return the pids of processes that programs of these runs have started and that still run."""
    wanted = {f"LOOPENGT_RUN_ID={run_id}".encode() for run_id in run_ids}
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                environment = Path("/proc", name, "environ").read_bytes()
            except OSError:
                continue
            if wanted & set(environment.split(b"\0")):
                found.append(int(name))
    return found


def _attempts(events: Iterable[Event]) -> Iterator[tuple[Event, str]]:
    """Yield events, each with the attempt that it belongs to, or an empty text."""
    occurrences: dict[str, int] = {}
    for event in events:
        name = event.step or ""
        occurrence = event.data.get("occurrence")
        if name and occurrence is not None:
            occurrences[name] = occurrence
        attempt = event.data.get("attempt", "")
        yield event, f"{name}/{occurrences[name]}/{attempt}" if name else ""


def _timeless(value: Any, run_id: str) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(found, run_id) for key, found in value.items() if key not in _OF_THE_CLOCK}
    if isinstance(value, list):
        return [_timeless(found, run_id) for found in value]
    return value.replace(run_id, "RUN") if isinstance(value, str) else value
