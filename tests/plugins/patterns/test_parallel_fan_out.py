"""``parallel_fan_out``, and ``sequential`` with allow_parallel: the graph of dependencies, concurrently."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError

Bench = Any

PARALLEL: list[dict[str, Any]] = [
    {"pattern": "parallel_fan_out"},
    {"pattern": "sequential", "policy": {"allow_parallel": True}},
]
both = pytest.mark.parametrize("how", PARALLEL, ids=["fan_out", "sequential"])


def spec(how: dict[str, Any], *steps: Any, **policy: Any) -> dict[str, Any]:
    """Make a spec of one of the two patterns."""
    return loop_spec(*steps, **{**how, "policy": {**how.get("policy", {}), **policy}})


def after(name: str, *others: str) -> dict[str, Any]:
    """Declare a step that depends on others."""
    return {"name": name, "dependencies": list(others)}


class Meeting:
    """An agent that answers when so many attempts are under way at the same time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.under_way = self.most = 0
        self.met = asyncio.Event()

    async def __call__(self, request: Any) -> str:
        """Wait for the others."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == self.count:
            self.met.set()
        async with asyncio.timeout(20):
            await self.met.wait()
        self.under_way -= 1
        return str(request.step)


@both
async def test_ready_steps_execute_at_the_same_time(bench: Bench, how: dict[str, Any]) -> None:
    """Three steps without dependencies are all under way before any of them ends."""
    meeting = Meeting(3)
    result, _ = await bench.run(spec(how, "a", "b", "c"), a=[meeting], b=[meeting], c=[meeting])
    assert result.end == ("goal_met", "all steps completed and their gates passed")
    assert meeting.most == 3


async def test_without_allow_parallel_sequential_takes_one_at_a_time(bench: Bench) -> None:
    """The default of sequential is one step after the other."""
    meeting = Meeting(1)
    await bench.run(loop_spec("a", "b", "c"), ScriptedAgent(agents={"worker": meeting}))
    assert meeting.most == 1


@both
async def test_max_concurrency_bounds_them(bench: Bench, how: dict[str, Any]) -> None:
    """Of ten ready steps just as many execute at a time as the policy says; items of for_each count singly."""
    meeting = Meeting(3)
    each = {"name": "each", "for_each": "[1, 2, 3, 4, 5]"}
    steps = [f"s{number}" for number in range(5)]
    agent = ScriptedAgent(agents={"worker": meeting})
    result, _ = await bench.run(spec(how, *steps, each, max_concurrency=3), agent)
    assert result.end.reason == "goal_met"
    assert len(agent.requests) == 10
    assert meeting.most == 3


@both
async def test_a_step_follows_those_it_depends_on(bench: Bench, how: dict[str, Any]) -> None:
    """In a diamond declared backwards each step finds the outputs of those before it."""
    end = {**after("end", "left", "right"), "prompt_template": "{steps.left.output}{steps.right.output}"}
    declared = spec(how, end, after("left", "start"), after("right", "start"), "start")
    result, agent = await bench.run(declared, start=["s"], left=["l"], right=["r"], end=["e"])
    assert result.end.reason == "goal_met"
    assert [request.step for request in agent.requests] == ["start", "left", "right", "end"]
    assert agent.asked("end")[0].prompt == "lr"


@both
async def test_a_slow_branch_keeps_nobody_waiting(bench: Bench, how: dict[str, Any]) -> None:
    """What depends on a quick step begins while an unrelated slow one is still under way."""
    reached = asyncio.Event()

    async def slow(_: Any) -> str:
        async with asyncio.timeout(20):
            await reached.wait()
        return "slow"

    def last(_: Any) -> str:
        reached.set()
        return "last"

    declared = spec(how, "slow", "quick", after("next", "quick"), after("last", "next"))
    result, _ = await bench.run(declared, slow=[slow], quick=["q"], next=["n"], last=[last])
    assert result.end.reason == "goal_met"


@both
async def test_a_false_condition_skips_a_step_and_what_follows_it(bench: Bench, how: dict[str, Any]) -> None:
    """The other branch of the condition is taken."""
    yes = {"name": "yes", "dependencies": [{"step_name": "ask", "condition": "output.go"}]}
    no = {"name": "no", "dependencies": [{"step_name": "ask", "condition": "not output.go"}]}
    result, _ = await bench.run(
        spec(how, "ask", yes, no, after("then", "yes")), ask=[{"go": False}], no=["n"]
    )
    assert result.end.reason == "goal_met"
    assert states(result) == {"ask": "completed", "yes": "skipped", "no": "completed", "then": "skipped"}


@both
async def test_with_fail_fast_a_failed_step_cancels_the_others(bench: Bench, how: dict[str, Any]) -> None:
    """The run ends with the first failure; what was under way is cancelled, the rest never begins."""
    begun, cancelled = asyncio.Event(), []

    async def hang(request: Any) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(request.step)
            raise
        return ""

    async def fail(_: Any) -> str:
        await begun.wait()
        raise AgentError("no luck")

    declared = spec(how, "bad", "hangs", after("later", "hangs"))
    result, agent = await bench.run(declared, bad=[fail], hangs=[hang])
    assert result.end == ("failed", "step 'bad': no luck")
    assert cancelled == ["hangs"]
    assert not agent.asked("later")


@both
async def test_without_fail_fast_independent_steps_go_on(bench: Bench, how: dict[str, Any]) -> None:
    """Only what depends on the failed step is skipped, and the run has failed all the same."""
    declared = spec(how, "bad", after("lost", "bad"), "good", after("more", "good"), fail_fast=False)
    result, _ = await bench.run(declared, bad=[AgentError("no luck")], good=["g"], more=["m"])
    assert result.end == ("failed", "step 'bad' failed")
    assert states(result) == {"bad": "failed", "lost": "skipped", "good": "completed", "more": "completed"}


@both
async def test_without_fail_fast_a_failed_gate_blocks_the_end(bench: Bench, how: dict[str, Any]) -> None:
    """A step whose gate never passes is named in the end, after the others are done."""
    gate = {"name": "good", "condition": "output == 'good'"}
    declared = spec(
        how,
        {"name": "gated", "verification_gates": ["good"]},
        "other",
        fail_fast=False,
        verification_gates=[gate],
        retry={"max_retries": 1, "initial_delay_seconds": 0},
    )
    result, agent = await bench.run(declared, gated=["bad", "worse"], other=["o"])
    assert result.end == ("blocked", "gate good of step 'gated' does not pass")
    assert len(agent.requests) == 3


@both
async def test_items_of_a_step_are_worked_on_at_the_same_time(bench: Bench, how: dict[str, Any]) -> None:
    """A step with for_each has its items under way together, and its output is theirs in order."""
    meeting = Meeting(3)
    each = {"name": "each", "for_each": "steps.list.output", "dependencies": ["list"]}
    agent = ScriptedAgent(steps={"list": [[1, 2, 3]]}, agents={"worker": meeting})
    result, _ = await bench.run(spec(how, "list", each), agent)
    assert result.end.reason == "goal_met"
    assert result.output == ["each[0]", "each[1]", "each[2]"]


@pytest.mark.parametrize("shape", ["wide", "chain", "layers"])
async def test_five_thousand_steps(bench: Bench, shape: str) -> None:
    """A graph of 5,000 steps, wide or deep, is walked, and is interrupted and resumed in its midst."""
    count = 5_000
    names = [f"s{number}" for number in range(count)]
    before: dict[str, Any] = {
        "wide": lambda _: [],
        "chain": lambda number: names[number - 1 : number],
        "layers": lambda number: names[number - 50 : number - 48] if number >= 50 else [],
    }
    steps = [after(name, *before[shape](number)) for number, name in enumerate(names)]
    declared = loop_spec(*steps, pattern="parallel_fan_out", policy={"max_turns": count})
    asked = 0

    def answer(_: Any) -> AgentReply:
        nonlocal asked
        asked += 1
        if asked == count // 2:
            kernel.engine().interrupt()
        return AgentReply("x", cost_usd=0.0, cost_source="reported")

    agent = ScriptedAgent(agents={"worker": answer})
    kernel = bench.kernel(agent, bench.storage)
    paused = await run_loop(kernel, declared)
    assert paused.end.reason == "interrupted"
    second = ScriptedAgent(agents={"worker": lambda _: "x"})
    result = await resume_loop(bench.kernel(second, bench.storage), paused.run_id)
    assert result.end.reason == "goal_met"
    completed = [event.step for event in await bench.events(result, "step.complete")]
    assert sorted(completed) == sorted(names)


async def test_time_grows_with_the_number_of_steps_only(bench: Bench) -> None:
    """Ten times the steps take about ten times as long, not a hundred times."""

    async def seconds(count: int) -> float:
        steps = [after(f"s{number}", *([f"s{number - 9}"] if number > 8 else [])) for number in range(count)]
        declared = loop_spec(*steps, pattern="parallel_fan_out", policy={"max_turns": count})
        agent = ScriptedAgent(agents={"worker": lambda _: "x"})
        kernel = bench.kernel(agent, bench.storage)
        path = bench.project / "loop.json"
        path.write_text(json.dumps(declared))
        loaded = kernel.load_spec(path).spec
        began = perf_counter()
        assert (await run_loop(kernel, loaded)).end.reason == "goal_met"
        return perf_counter() - began

    small = min([await seconds(500) for _ in range(3)])
    assert await seconds(5_000) < 40 * small


def states(result: Any) -> dict[str, str]:
    """The steps' statuses by name."""
    return {name: state.status.value for name, state in result.snapshot().step_states.items()}
