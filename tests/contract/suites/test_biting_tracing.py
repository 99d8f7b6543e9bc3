"""Each rule for exporters, senders, observers and patterns is broken by a component that is broken so."""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
from pathlib import Path
from typing import Any

from loopengt.testing import ExporterContract, ObserverContract, PatternContract
from loopengt_hookspecs.errors import ExportError
from loopengt_hookspecs.models import End, EndReason

from .biting import Case, all_are_rules, bite, changed, each_rule, made


class Lines:
    def export(self, state: Any, events: Any) -> str:
        return "".join(f"{event.event_type}\n" for event in events)


class Both(Lines):
    async def send(self, state: Any, events: Any) -> str:
        return "sent"


COUNTER = itertools.count()


def _starts(self: Any, state: Any, events: Any) -> str:
    subprocess.run(["true"], check=True)
    return "x\n"


def _changes(self: Any, state: Any, events: Any) -> str:
    for event in events:
        event.data["seen"] = True
    return "x\n"


class Service:
    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}


class Sends:
    def __init__(self, service: Service, *, reachable: bool = True) -> None:
        self.service, self.reachable = service, reachable

    async def send(self, state: Any, events: Any) -> str:
        if not self.reachable:
            raise ExportError("nobody answers at x", remedy="start it")
        self.service.kept |= {event.event_id: event for event in events}
        return f"sent {len(events)} events to x"


class SendsAnew(Sends):
    async def send(self, state: Any, events: Any) -> str:
        self.service.kept |= {f"{event.event_id}{next(COUNTER)}": event for event in events}
        return "sent them"


class SendsAndFails(Sends):
    async def send(self, state: Any, events: Any) -> str:
        if not self.reachable:
            raise ConnectionRefusedError("no")
        return await super().send(state, events)


def _sender(kind: type = Sends) -> dict[str, Any]:
    service = Service()
    return {
        "make": lambda self, folder: kind(service),
        "count": lambda self: len(service.kept),
        "unreachable": lambda self, folder: kind(service, reachable=False),
    }


def _with(method: Any) -> dict[str, Any]:
    return changed(Lines, export=method)


DOCUMENT_RULES: dict[str, Any] = {
    "it_exports_or_sends": made(Both),
    "a_finished_run_comes_out": _with(lambda self, state, events: "no line break"),
    "a_run_that_goes_on_comes_out": _with(
        lambda self, state, events: (
            f"{next(e for e in events if e.event_type == 'loop.error' or len(events) < 2)}\n"
        )
    ),
    "an_empty_run_comes_out": _with(lambda self, state, events: f"{events[0].run_id}\n"),
    "a_damaged_run_comes_out": _with(
        lambda self, state, events: f"{events[0].loop_name}\n" if events else ""
    ),
    "hostile_events_come_out": _with(
        lambda self, state, events: "".join(f"{e.data.get('tool', '') + ''}\n" for e in events)
    ),
    "the_run_stays_as_it_is": _with(_changes),
    "twice_is_once": _with(lambda self, state, events: f"{next(COUNTER)}\n"),
    "a_document_is_made_of_the_run_alone": _with(_starts),
    "a_service_that_is_not_there_is_an_export_error": _sender(SendsAndFails),
}


class Watches:
    def enabled(self) -> bool:
        return True

    async def on_event(self, event: Any) -> None:
        self.last = event

    async def close(self) -> None:
        pass


async def _raises(self: Any, event: Any) -> None:
    raise ValueError("no")


async def _wants_text(self: Any, event: Any) -> None:
    event.data.get("output", "").strip() if event.event_type == "custom" else None


async def _wants_start(self: Any, event: Any) -> None:
    self.started = getattr(self, "started", False) or event.event_type == "loop.start"
    assert_started = {True: 1}
    assert_started[self.started]


async def _closes_once(self: Any) -> None:
    self.closed = getattr(self, "closed", 0) + 1
    if self.closed > 1:
        raise ValueError("closed already")


async def _closes_file(self: Any) -> None:
    self.last.run_id.strip()


async def _one_run(self: Any, event: Any) -> None:
    self.starts = getattr(self, "starts", 0) + (event.event_type == "loop.start")
    if self.starts > 1:
        raise ValueError("one run is enough")


async def _marks(self: Any, event: Any) -> None:
    event.data["seen"] = True


async def _dawdles(self: Any, event: Any) -> None:
    await asyncio.sleep(0.05)


OBSERVER = Case(
    ObserverContract,
    changed(Watches),
    {
        "enabled_says_yes_or_no": changed(Watches, enabled=lambda self: "yes"),
        "a_run_is_watched_to_its_end": changed(Watches, on_event=_raises),
        "every_type_of_event_is_taken": changed(Watches, on_event=_wants_text),
        "it_may_come_late": changed(Watches, on_event=_wants_start),
        "closing_twice_is_closing_once": changed(Watches, close=_closes_once),
        "closing_without_a_run_is_allowed": changed(Watches, close=_closes_file),
        "it_watches_one_run_after_the_other": changed(Watches, on_event=_one_run),
        "events_stay_as_they_are": changed(Watches, on_event=_marks),
        "events_are_taken_quickly": changed(Watches, on_event=_dawdles),
    },
)


async def _in_order(run: Any) -> Any:
    for step in run.spec.steps:
        await run.step(step)


def _plain(run: Any) -> Any:
    return None


async def _for_ever(run: Any) -> Any:
    while True:
        await run.step(run.spec.steps[0])


async def _claims(run: Any) -> Any:
    return End(EndReason.GOAL_MET, "surely")


async def _trusts(run: Any) -> Any:
    for step in run.spec.steps:
        outcome = await run.step(step)
        outcome.output["text"].strip()


async def _gambles(run: Any) -> Any:
    for step in random.sample(run.spec.steps, len(run.spec.steps)) * 2:
        await run.step(step)


TAKEN: list[Any] = []


async def _remembers(run: Any) -> Any:
    TAKEN.append(run)
    for step in run.spec.steps[: 1 + len(TAKEN) % 3]:
        await run.step(step)


async def _swallows(run: Any) -> Any:
    for step in run.spec.steps:
        try:
            await run.step(step)
        except Exception:
            continue


async def _clings(run: Any) -> Any:
    for step in run.spec.steps:
        try:
            await run.step(step)
        except asyncio.CancelledError:
            continue


async def _rewrites(run: Any) -> Any:
    run.spec.steps[0].metadata["seen"] = True
    await run.step(run.spec.steps[0])


async def _wants_three(run: Any) -> Any:
    await run.step(run.spec.steps[2])


def _pattern(function: Any) -> dict[str, Any]:
    return {"make": lambda self, folder: function}


PATTERN = Case(
    PatternContract,
    _pattern(_in_order),
    {
        "it_is_an_async_function_of_a_run": _pattern(_plain),
        "a_loop_comes_to_its_end": _pattern(_for_ever) | {"fields": {"stop_conditions": []}},
        "agents_that_fail_do_not_reach_the_goal": _pattern(_claims),
        "odd_outputs_are_survived": _pattern(_trusts),
        "the_same_outcomes_ask_for_the_same_steps": _pattern(_gambles),
        "runs_do_not_know_of_each_other": _pattern(_remembers),
        "what_the_engine_raises_passes": _pattern(_swallows),
        "cancelling_passes": _pattern(_clings),
        "the_spec_stays_as_it_is": _pattern(_rewrites),
        "small_loops_are_taken_or_refused": _pattern(_wants_three),
    },
)


DOCUMENT = Case(ExporterContract, changed(Lines), DOCUMENT_RULES)
SENDER = Case(ExporterContract, _sender(), DOCUMENT_RULES | {"twice_is_once": _sender(SendsAnew)})
CASES = [DOCUMENT, OBSERVER, PATTERN]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(SENDER if rule.endswith("export_error") else case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)


def test_sending_twice_adds_nothing(tmp_path: Path) -> None:
    """Where the service can be counted, a sender that adds to it the second time fails."""
    bite(SENDER, "test_twice_is_once", tmp_path)


def test_a_sender_passes(tmp_path: Path) -> None:
    """What sends is checked by the same suite."""
    SENDER.run("test_a_finished_run_comes_out", tmp_path, broken=False)
