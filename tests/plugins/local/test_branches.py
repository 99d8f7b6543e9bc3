"""Patterns with concurrent branches: live, replayed, cancelled, and left alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import ReplayMismatch
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import End, EndReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.patterns import Run

MISSING = MissingRequirement("the program 'frob' is not there", remedy="pip install frob")


async def task_group(run: Run) -> None:
    """All steps at once, in a task group."""
    async with asyncio.TaskGroup() as group:
        for step in run.spec.steps:
            group.create_task(run.step(step))


async def gather(run: Run) -> None:
    """All steps at once, gathered."""
    await asyncio.gather(*(run.step(step) for step in run.spec.steps))


async def waves(run: Run) -> None:
    """Ten at a time; each wave waits for the one before."""
    steps = run.spec.steps
    for start in range(0, len(steps), 10):
        await asyncio.gather(*(run.step(step) for step in steps[start : start + 10]))


async def as_they_come(run: Run) -> None:
    """Seven at a time; for each that ends, in that order, a decision is made and the next one begins."""
    ended: asyncio.Queue[str] = asyncio.Queue()

    async def branch(name: str) -> None:
        await ended.put((await run.step(name)).step)

    waiting = [step.name for step in run.spec.steps]
    async with asyncio.TaskGroup() as group:
        for _ in range(7):
            group.create_task(branch(waiting.pop(0)))
        for _ in run.spec.steps:
            await run.decide("ended", await ended.get())
            if waiting:
                group.create_task(branch(waiting.pop(0)))


async def echo(request: AgentRequest) -> str:
    """Answer after a few rounds of the event loop, some sooner than others."""
    for _ in range(hash_of(request.step) % 5):
        await asyncio.sleep(0)
    return request.step


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return sum(ord(letter) * 31 for letter in text)


def steps(count: int) -> list[str]:
    """Names of steps."""
    return [f"s{number}" for number in range(count)]


@pytest.mark.parametrize("slow", [False, True], ids=["memory", "slow"])
@pytest.mark.parametrize("pattern", [task_group, gather, waves, as_they_come])
async def test_fifty_steps_live_and_replayed(
    pattern: Callable[[Run], Awaitable[None]], slow: bool, lab: Any, lagging: Any
) -> None:
    """Fifty branches run; after a stop in their midst, resume executes just those that are not recorded."""
    lab.patterns["fan"] = pattern
    if slow:
        lab.memory = lagging(lab.memory)
    spec = loop_spec(*steps(50), pattern="fan")
    scripts: dict[str, Any] = dict.fromkeys(steps(50), echo) | {"s30": [MISSING]}
    first = ScriptedAgent(steps=scripts)
    failed = await run_loop(lab.kernel(agents=first), spec)
    assert failed.end.reason is EndReason.FAILED
    done = {event.step for event in await lab.events(failed.run_id) if event.type == "step.complete"}
    second = ScriptedAgent(agents={"worker": echo})
    ended = await resume_loop(lab.kernel(agents=second), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert {request.step for request in second.requests} == set(steps(50)) - done
    assert len(second.requests) == 50 - len(done)
    events = await lab.events(failed.run_id)
    assert sorted(event.step for event in events if event.type == "step.complete") == sorted(steps(50))


async def test_a_complete_run_replays_without_any_execution(lab: Any) -> None:
    """When only the end is missing, a resume asks no agent and writes the same end."""
    lab.patterns["fan"] = as_they_come

    async def cut(run: Run) -> None:
        await as_they_come(run)
        if not replayed:
            replayed.append(True)
            lab.engine.interrupt()
            await asyncio.sleep(0)

    replayed: list[bool] = []
    lab.patterns["cut"] = cut
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": echo}))
    lab.engine = kernel.engine()
    paused = await run_loop(kernel, loop_spec(*steps(20), pattern="cut"))
    assert paused.end.reason is EndReason.INTERRUPTED
    agent = ScriptedAgent()
    ended = await resume_loop(lab.kernel(agents=agent), paused.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert agent.requests == []


@pytest.mark.slow
async def test_a_changed_pattern_with_branches_is_named_and_does_not_hang(lab: Any) -> None:
    """When no branch asks for what the journal holds, the error names both keys."""

    async def other(run: Run) -> None:
        await asyncio.gather(run.step("s2"), run.step("s3"))

    lab.patterns["fan"] = waves
    first = ScriptedAgent(steps={"s0": ["0"], "s1": [MISSING], "s2": ["2"], "s3": ["3"]})
    failed = await run_loop(lab.kernel(agents=first), loop_spec(*steps(4), pattern="fan"))
    before = await lab.events(failed.run_id)
    lab.patterns["fan"] = other
    agent = ScriptedAgent()
    async with asyncio.timeout(10):
        with pytest.raises(
            ReplayMismatch, match=r"asks for step 's[23]' .* but the journal holds step 's[01]'"
        ):
            await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert agent.requests == []
    assert await lab.events(failed.run_id) == before
    assert (await lab.memory.rows(prefix=failed.run_id))[0].owner is None


async def test_a_branch_may_wait_for_the_world_while_it_is_replayed(lab: Any) -> None:
    """A branch that sleeps between two recorded steps is waited for, although another already asks for more."""

    async def sleepy(run: Run) -> None:
        async def slow() -> None:
            await run.step("s0")
            await asyncio.sleep(0.3)
            await run.step("s1")

        await asyncio.gather(slow(), run.step("s2"))

    async def after_the_others(_: object) -> str:
        await both.wait()
        raise MISSING

    async def last(_: object) -> str:
        both.set()
        return "1"

    both = asyncio.Event()
    lab.patterns["fan"] = sleepy
    first = ScriptedAgent(steps={"s0": ["0"], "s1": [last], "s2": [after_the_others]})
    failed = await run_loop(lab.kernel(agents=first), loop_spec(*steps(3), pattern="fan"))
    assert failed.end.reason is EndReason.FAILED
    second = ScriptedAgent(steps={"s2": ["2"]})
    assert (await resume_loop(lab.kernel(agents=second), failed.run_id)).end.reason is EndReason.GOAL_MET


async def test_the_same_step_twice_at_once_is_refused(lab: Any) -> None:
    """Two executions of one step at a time could not be told apart: the run fails and says what to do."""

    async def twice(run: Run) -> None:
        await asyncio.gather(run.step("work"), run.step("work"))

    lab.patterns["twice"] = twice
    result = await run_loop(
        lab.kernel(agents=ScriptedAgent(agents={"worker": echo})), loop_spec(pattern="twice")
    )
    assert result.end.reason is EndReason.FAILED
    assert "'work' a second time" in result.end.detail


async def test_branches_that_a_failure_leaves_alone_are_ended(lab: Any) -> None:
    """After one gathered step has failed, the others are cancelled before the end is written."""
    cancelled = []

    async def hang(request: AgentRequest) -> str:
        started.release()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(request.step)
            raise
        return ""

    async def fail(_: AgentRequest) -> str:
        for _each in range(2):
            await started.acquire()
        raise AgentError("no luck")

    started = asyncio.Semaphore(0)
    lab.patterns["fan"] = gather
    agent = ScriptedAgent(steps={"s0": [hang], "s1": [fail], "s2": [hang]})
    result = await run_loop(lab.kernel(agents=agent), loop_spec(*steps(3), pattern="fan"))
    assert result.end == End(EndReason.FAILED, "step 's1': no luck")
    assert sorted(cancelled) == ["s0", "s2"]
    assert (await lab.types(result.run_id))[-1] == "loop.error"


async def test_an_end_stands_even_where_the_pattern_swallows_it(lab: Any) -> None:
    """A pattern that catches everything can neither go on after a failed step nor call the run good."""

    async def swallowing(run: Run) -> End:
        await asyncio.gather(run.step("s0"), return_exceptions=True)
        for _ in range(3):
            try:
                await run.step("s1")
            except Exception:
                continue
        return End(EndReason.GOAL_MET, "all is well")

    lab.patterns["blind"] = swallowing
    agent = ScriptedAgent(steps={"s0": [AgentError("no luck")], "s1": ["x"] * 3})
    result = await run_loop(lab.kernel(agents=agent), loop_spec("s0", "s1", pattern="blind"))
    assert result.end == End(EndReason.FAILED, "step 's0': no luck")
    assert [request.step for request in agent.requests] == ["s0"]


async def test_a_race_is_replayed_with_the_same_winner(lab: Any) -> None:
    """A branch that the pattern cancelled the first time is not in the way of the replay, and may be taken again."""

    async def race(run: Run) -> None:
        tasks = {asyncio.create_task(run.step(name)) for name in ("s0", "s1")}
        done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        winner = next(iter(done)).result()
        await run.step("s2", names={"item": winner.step})
        await run.step("s1")

    async def hang(_: object) -> str:
        await asyncio.Event().wait()
        return ""

    lab.patterns["race"] = race
    s2 = {"name": "s2", "prompt_template": "{item} won"}
    agent = ScriptedAgent(steps={"s0": [echo], "s1": [hang, MISSING], "s2": ["2"]})
    failed = await run_loop(lab.kernel(agents=agent), loop_spec("s0", "s1", s2, pattern="race"))
    assert failed.end.reason is EndReason.FAILED
    assert agent.asked("s2")[0].prompt == "s0 won"
    second = ScriptedAgent(steps={"s1": ["second time"]})
    ended = await resume_loop(lab.kernel(agents=second), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert [(request.step, request.occurrence) for request in second.requests] == [("s1", 2)]
    assert ended.snapshot().step_states["s1"].result.output == "second time"


async def test_turns_are_counted_when_they_begin(lab: Any) -> None:
    """A limit of turns holds for branches too, although none of them has ended when the others begin."""
    lab.patterns["fan"] = task_group
    agent = ScriptedAgent(agents={"worker": echo})
    stop = {"condition_type": "max_turns", "value": 10}
    spec = loop_spec(*steps(30), pattern="fan", stop_conditions=[stop])
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.EXHAUSTED
    assert len(agent.requests) <= 10


async def test_time_limits_hold_after_a_task_group_has_failed(lab: Any) -> None:
    """A pattern may catch what its task group raises and go on: the next attempt's time limit is told as one."""

    async def forgiving(run: Run) -> None:
        async def fail() -> None:
            await run.step("s0", tolerate=True)
            raise ValueError("no")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        except* ValueError:
            pass
        await run.step("s1")

    async def hang(_: object) -> str:
        await asyncio.sleep(60)
        return "never"

    lab.patterns["forgiving"] = forgiving
    spec = loop_spec(*steps(2), pattern="forgiving", policy={"retry": {"max_retries": 0}})
    spec["steps"][1]["timeout_seconds"] = 0.05
    ended = await run_loop(lab.kernel(agents=ScriptedAgent(steps={"s0": ["0"], "s1": [hang]})), spec)
    assert (ended.end.reason, ended.end.detail) == (
        EndReason.FAILED,
        "step 's1': step 's1' took longer than its 0.05 seconds",
    )
