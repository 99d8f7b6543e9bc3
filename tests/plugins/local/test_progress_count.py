"""The count of repeats: by item, under every pattern, over crashes, in bounded memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.gates import GateVerdict
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult


def spec(*steps: Any, repeats: int, policy: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A repeating loop that may come to nothing new so many times, and take forty turns at most."""
    limits = {"max_turns": 40, "no_progress": {"max_repeats": repeats}, **(policy or {})}
    return loop_spec(*steps, **{"pattern": "repeat", "policy": limits, **fields})


async def run(
    lab: Any, work: Callable[[AgentRequest], Any], loop: dict[str, Any]
) -> tuple[RunResult, ScriptedAgent]:
    """Run a loop whose agent does this."""
    agent = ScriptedAgent(agents={"worker": work})
    return await run_loop(lab.kernel(agents=agent), loop), agent


async def test_items_of_one_lap_are_not_held_against_each_other(lab: Any) -> None:
    """Five items with the same answer are no circle; the same five in the next laps are."""
    step = {"name": "review", "for_each": "context.files"}
    loop = spec(step, repeats=2, context={"files": ["a", "b", "c", "d", "e"]})
    result, agent = await run(lab, lambda _: "ok", loop)
    assert result.end.reason is EndReason.NO_PROGRESS
    assert "'review[0]' came to nothing new 3 times" in result.end.detail
    assert 16 <= len(agent.requests) <= 20


async def test_other_items_are_other_work(lab: Any) -> None:
    """An item that was not there before is something new, whatever is said of it."""
    step = {"name": "do", "for_each": "[run.turn]"}
    result, _ = await run(lab, lambda _: "done", spec(step, repeats=1))
    assert result.end.reason is EndReason.EXHAUSTED


@pytest.mark.parametrize("pattern", ["sequential", "evaluator_optimizer", "own"])
async def test_every_pattern_is_held_to_it(lab: Any, pattern: str) -> None:
    """The engine enforces it, so that a pattern, a stranger's too, cannot forget it."""

    async def own(run: Any) -> None:
        while True:
            await run.step("work", tolerate=True)

    lab.patterns["own"] = own
    gate = {"name": "never", "condition": "output.score > 1"}
    steps = {
        "sequential": [{"name": "work", "verification_gates": ["never"]}],
        "evaluator_optimizer": ["judge", "improve"],
        "own": ["work"],
    }[pattern]
    policy = {"retry": {"initial_delay_seconds": 0, "max_retries": 50}, "verification_gates": [gate]}
    loop = spec(*steps, repeats=2, pattern=pattern, policy=policy)
    result, agent = await run(lab, lambda _: {"score": 0}, loop)
    assert result.end.reason is EndReason.NO_PROGRESS
    assert len(agent.requests) < 10


# -- after a crash -----------------------------------------------------------------------------------------------


def in_circles(request: AgentRequest) -> str:
    """Do something new twice, then the same, with an error at every third attempt."""
    if request.step == "work" and request.occurrence > 3 and request.attempt == 1:
        raise ConnectionError("the line is down")
    (request.workspace / f"{request.step}.txt").write_text(f"{min(request.occurrence, 2)}\n")
    return "done"


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
async def test_a_crash_does_not_change_the_count(lab: Any, dying: Any, killed: Any, durable: bool) -> None:
    """Whichever append is the last one before a crash, the resumed run ends at the same place with the same words."""
    gates = [{"name": "ran", "kind": "told_slowly"}]
    steps = ["plan", {"name": "work", "verification_gates": ["ran"]}]
    loop = spec(*steps, repeats=3, policy={"verification_gates": gates})

    def refuse() -> None:
        lab.slow_gates.verdicts["ran"] = [GateVerdict(False, "not yet, after 0.1 s")] * 200

    agent = ScriptedAgent(agents={"worker": in_circles})
    refuse()
    whole = dying(lab.memory, at=10_000, durable=True)
    undisturbed = await run_loop(lab.kernel(storage=whole, agents=agent), loop)
    assert undisturbed.end.reason is EndReason.NO_PROGRESS
    for at in range(1 if durable else 2, whole.appends + 1):
        (lab.project / "plan.txt").unlink()
        (lab.project / "work.txt").unlink()
        refuse()
        storage = dying(lab.memory, at=at, durable=durable)
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(lab.kernel(storage=storage, agents=agent), loop, run_id=f"run-{at}")
        await storage.bury()
        refuse()
        resumed = await resume_loop(lab.kernel(agents=agent), f"run-{at}")
        assert resumed.end == undisturbed.end, f"append {at} was the last"


async def test_a_fork_counts_anew(lab: Any) -> None:
    """Who forks a run that went in circles, to try something else, has all repeats before him."""
    agent = ScriptedAgent(agents={"worker": lambda _: "done"})
    kernel = lab.kernel(agents=agent)
    async with kernel.storage():
        loop = spec("work", repeats=2)
        first = await run_loop(kernel, loop)
        assert (first.end.reason, len(agent.requests)) == (EndReason.NO_PROGRESS, 4)
        agent.requests.clear()
        fork = await kernel.engine().fork(ForkRequest(first.run_id, at="work#3"))
    assert fork.end.reason is EndReason.NO_PROGRESS
    assert [request.occurrence for request in agent.requests] == [3, 4, 5]


async def test_one_branch_that_works_keeps_the_others_alive(lab: Any) -> None:
    """Steps that run at the same time are not held to account one by one: what is new anywhere counts for all."""

    async def two_by_two(run: Any) -> None:
        for _ in range(6):
            async with asyncio.TaskGroup() as group:
                for name in ("idle", "busy"):
                    group.create_task(run.step(name))

    def work(request: AgentRequest) -> Any:
        return request.occurrence if request.step == "busy" else "idle"

    lab.patterns["pairs"] = two_by_two
    result, agent = await run(lab, work, spec("idle", "busy", repeats=1, pattern="pairs"))
    assert (result.end.reason, len(agent.requests)) == (EndReason.GOAL_MET, 12)


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of any length remembers the attempts that it met last, in bounded memory."""
    from loopengt.journal import records

    monkeypatch.setattr(records, "REMEMBERED_ATTEMPTS", 3)
    fold = records.ProgressFold()
    for signature in ("a", "b", "a", "c", "d"):
        fold.apply("work", {"new": True, "signature": signature})
    assert [signature for _, signature in fold.seen] == ["a", "c", "d"]
    assert fold.knows("work", "a") and not fold.knows("work", "b") and not fold.knows("other", "a")
