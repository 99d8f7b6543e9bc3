"""Random loops with random agents, killed at random moments: what must hold of every run."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from loopengt.testing import resume_loop, run_loop
from loopengt_hookspecs.models import EndReason

from . import property_kit as kit

# The fixtures make fresh storages on demand; nothing of one example is seen by the next.
COMMON = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
)
BOX_SECONDS = float(os.environ.get("LOOPENGT_TEST_SECONDS", "120"))
"""Time box of the long run, in seconds."""


async def drive(
    lab: Any, dying: Any, killed: Any, spec: dict[str, Any], number: int, deaths: list[Any]
) -> None:
    """Run a loop, kill it at each of the given moments, resume it until it ends, and check it all along."""
    lab.memory = type(lab.memory)()
    result = None
    for at, durable in [*deaths, (10**9, True)]:
        agents = kit.Agents(number)
        storage = dying(lab.memory, at, durable=durable)
        kernel = lab.kernel(storage=storage, agents=agents)
        begun = bool(await lab.memory.rows())
        before = (await lab.load("r"))[0] if begun else None
        try:
            if begun:
                result = await resume_loop(kernel, "r", unknown_outcome="retry")
            else:
                result = await run_loop(kernel, spec, run_id="r")
        except (killed, BaseExceptionGroup) as exc:
            if isinstance(exc, BaseExceptionGroup) and exc.subgroup(killed) is None:
                raise
            await storage.bury()
        if await lab.memory.rows():
            kit.check_journal(await lab.events("r"))
        if before is not None:
            done = {name: step.outcome for name, step in before.steps.items() if name not in before.open}
            _not_again(agents.calls, before, done)
        assert len(set(agents.calls)) == len(agents.calls), "one attempt was made twice in one life"
        if result is not None:
            break
    assert result is not None
    fold, events = await lab.load("r")
    assert isinstance(result.end.reason, EndReason)
    kit.check_end(spec, result, fold, events)


def _not_again(calls: list[tuple[str, int, int]], before: Any, done: dict[str, Any]) -> None:
    recorded = {(entry.outcome.step, count) for entry, count in _counted(before.history)}
    again = {(step, occurrence) for step, occurrence, _ in calls} & recorded
    assert not again, f"completed executions were made again: {again}"


def _counted(history: Any) -> Any:
    counts: dict[str, int] = {}
    for entry in history:
        counts[entry.outcome.step] = counts.get(entry.outcome.step, 0) + 1
        yield entry, counts[entry.outcome.step]


@settings(COMMON, max_examples=200)
@given(spec=kit.loops(), number=st.integers(0, 10**6), deaths=kit.kills())
def test_no_run_breaks_its_promises(
    lab: Any, dying: Any, killed: Any, spec: dict[str, Any], number: int, deaths: list[Any]
) -> None:
    """Limits hold, success has its gates, no completed step is lost or doubled, and the state is the fold."""
    asyncio.run(drive(lab, dying, killed, spec, number, deaths))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_run_breaks_its_promises_in_a_long_search(lab: Any, dying: Any, killed: Any) -> None:
    """The same for as many loops as the time box allows, with a fixed seed."""
    ends = time.monotonic() + BOX_SECONDS
    portion = 0
    while time.monotonic() < ends:

        @seed(portion)
        @settings(COMMON, derandomize=False, max_examples=100, phases=[Phase.generate])
        @given(spec=kit.loops(), number=st.integers(0, 10**6), deaths=kit.kills())
        def search(spec: dict[str, Any], number: int, deaths: list[Any]) -> None:
            asyncio.run(drive(lab, dying, killed, spec, number, deaths))

        search()
        portion += 1
    assert portion
