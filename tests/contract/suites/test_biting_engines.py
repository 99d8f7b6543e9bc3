"""Each rule for engines is broken by an engine that is broken so."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

from loopengt.testing import EngineContract
from loopengt_hookspecs.models import End, EndReason

from .biting import Case, all_are_rules, bite, each_rule


class Around:
    """Has the local engine do the work."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def plan(self, request: Any) -> Any:
        return self.inner.plan(request)

    def check(self, spec: Any) -> None:
        self.inner.check(spec)

    async def start(self, request: Any) -> Any:
        return await self.inner.start(request)

    async def resume(self, request: Any) -> Any:
        return await self.inner.resume(request)

    async def fork(self, request: Any) -> Any:
        return await self.inner.fork(request)

    async def finish_workspace(self, run_id: str, action: Any) -> str:
        return str(await self.inner.finish_workspace(run_id, action))

    def interrupt(self, run_id: str | None = None) -> None:
        self.inner.interrupt(run_id)


def _engine(**attributes: Any) -> dict[str, Any]:
    kind = type("Broken", (Around,), attributes)
    return {"make_engine": lambda self, context: kind(context.components.get("engines", "local"))}


COUNTER = itertools.count()


async def _pretends(self: Any, request: Any) -> Any:
    result = await self.inner.start(request)
    result.output = "pretended"
    return result


async def _writes_elsewhere(self: Any, request: Any) -> Any:
    result = await self.inner.start(request)
    result.run_id = "another-run"
    return result


async def _tells_nobody(self: Any, request: Any) -> Any:
    return await self.inner.start(replace(request, observers=()))


async def _names_anew(self: Any, request: Any) -> Any:
    return await self.inner.start(replace(request, run_id=f"mine-{next(COUNTER)}"))


async def _flatters(self: Any, request: Any) -> Any:
    result = await self.inner.start(request)
    result.end = End(EndReason.GOAL_MET, "surely")
    return result


async def _finds_none(self: Any, request: Any) -> Any:
    try:
        return await self.inner.resume(request)
    except Exception as exc:
        raise KeyError(request.run_id) from exc


async def _starts_anew(self: Any, request: Any) -> Any:
    return await self.inner.fork(_fork_of(request))


def _fork_of(request: Any) -> Any:
    from loopengt_hookspecs.engines import ForkRequest

    return ForkRequest(request.run_id, getattr(request, "at", "first") and "first")


async def _gives_up(self: Any, request: Any) -> Any:
    raise RuntimeError("a run that was paused stays so")


def _plans_nothing(self: Any, request: Any) -> Any:
    return []


ENGINE = Case(
    EngineContract,
    _engine(),
    {
        "a_run_comes_to_its_goal": _engine(start=_pretends),
        "the_journal_tells_the_run": _engine(start=_writes_elsewhere),
        "observers_see_the_run": _engine(start=_tells_nobody),
        "a_run_keeps_the_id_that_it_is_given": _engine(start=_names_anew),
        "an_agent_that_fails_ends_the_run": _engine(start=_flatters),
        "planning_does_nothing": _engine(plan=_plans_nothing),
        "runs_that_are_not_there_are_named": _engine(resume=_finds_none),
        "an_ended_run_is_returned_as_it_ended": _engine(resume=_starts_anew),
        "an_interrupted_run_goes_on": _engine(resume=_gives_up),
        "a_fork_shares_what_was_before": _engine(fork=_starts_anew),
    },
)

CASES = [ENGINE]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)
