"""``handoff``: direct, via a supervisor, and to all at once; every transfer recorded."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from loopengt import SpecError
from loopengt.testing import ScriptedAgent, loop_spec
from loopengt_hookspecs.errors import AgentError

Bench = Any

PROMPT = "{handoff.from_agent}|{handoff.payload}|{handoff.instructions}"
AGENTS = [{"name": name, "config": {"provider": "scripted"}} for name in ("ann", "bob", "cyd")]


def spec(*steps: dict[str, Any], protocol: str = "direct", **policy: Any) -> dict[str, Any]:
    """Make a loop of three steps, each of an agent of its own, or of other steps."""
    steps = steps or (step("a", "ann"), step("b", "bob"), step("c", "cyd"))
    policy.setdefault("retry", {"initial_delay_seconds": 0, "max_retries": 1})
    handoff = {"protocol": protocol}
    return loop_spec(*steps, agents=AGENTS, pattern="handoff", handoff=handoff, policy=policy)


def step(name: str, agent: str, *dependencies: Any, **fields: Any) -> dict[str, Any]:
    """Declare a step."""
    declared = {"name": name, "agent": agent, "prompt_template": PROMPT, "dependencies": list(dependencies)}
    return {**declared, **fields}


def order(agent: Any) -> list[str]:
    """The steps in the order in which they were asked."""
    return [request.step for request in agent.requests]


def prompts(agent: Any) -> dict[str, str]:
    """The last prompt of each step."""
    return {request.step: request.prompt for request in agent.requests}


async def transfers(bench: Bench, result: Any) -> list[tuple[str, str]]:
    """The recorded handoffs as pairs of agents."""
    events = await bench.events(result, "handoff")
    return [(event.data["from_agent"], event.data["to_agent"]) for event in events]


class TestDirect:
    """From step to step."""

    async def test_each_step_receives_the_context_of_the_one_before(self, bench: Bench) -> None:
        """The output, or what stands under handoff, is the receiver's payload; the first has none."""
        handed = {"handoff": {"payload": {"n": 1}, "instructions": "check it"}, "notes": "mine"}
        result, agent = await bench.run(spec(), a=["text"], b=[handed], c=["end"])
        assert prompts(agent) == {"a": "|{}|", "b": 'ann|{"output":"text"}|', "c": 'bob|{"n":1}|check it'}
        assert result.end == ("goal_met", "all steps completed and their gates passed")

    async def test_every_transfer_is_in_the_journal(self, bench: Bench) -> None:
        """A handoff event holds the whole context."""
        result, _ = await bench.run(spec(), a=[{"x": 1}], b=["b"], c=["c"])
        first, second = await bench.events(result, "handoff")
        assert first.data == {
            "decided": "handoff ann",
            "from_agent": "ann",
            "to_agent": "bob",
            "protocol": "direct",
            "payload": {"x": 1},
            "instructions": "",
            "metadata": {"from_step": "a", "to_step": "b"},
        }
        assert (second.data["from_agent"], second.data["to_agent"]) == ("bob", "cyd")

    @pytest.mark.parametrize(
        "wish",
        [
            {"handoff_to": "c"},
            {"handoff_to": "cyd"},
            {"handoff": {"to_step": "c"}},
            {"handoff": {"to_agent": "cyd"}},
        ],
    )
    async def test_an_output_names_the_receiver(self, bench: Bench, wish: dict[str, Any]) -> None:
        """By step or by agent; those that are jumped over are not missed."""
        result, agent = await bench.run(spec(), a=[wish], c=["c"])
        assert order(agent) == ["a", "c"]
        assert result.end == ("goal_met", "step 'c', the last in order, hands on to nobody")

    async def test_work_may_go_back(self, bench: Bench) -> None:
        """A step that was taken already is taken again, and the order goes on from there."""
        back = {"handoff_to": "a", "handoff": {"instructions": "once more"}}
        result, agent = await bench.run(spec(), a=["a1", "a2"], b=[back, "b2"], c=["c"])
        assert order(agent) == ["a", "b", "a", "b", "c"]
        assert agent.asked("a")[1].prompt.endswith("|once more")
        assert await transfers(bench, result) == [
            ("ann", "bob"), ("bob", "ann"), ("ann", "bob"), ("bob", "cyd"),
        ]  # fmt: skip

    async def test_turns_bound_a_circle(self, bench: Bench) -> None:
        """Two that hand work to each other for ever end exhausted."""
        circle: dict[str, Any] = {"a": lambda _: {"handoff_to": "b"}, "b": lambda _: {"handoff_to": "a"}}
        result, agent = await bench.run(spec(max_turns=9), **circle)
        assert result.end.reason == "exhausted"
        assert len(agent.requests) == 9

    async def test_done_ends_the_run(self, bench: Bench) -> None:
        """Nobody receives what is done."""
        result, agent = await bench.run(spec(), a=["a"], b=[{"done": True}])
        assert order(agent) == ["a", "b"]
        assert result.end == ("goal_met", "step 'b' says that the work is done")

    async def test_an_agent_of_several_steps_is_not_the_giver_itself(self, bench: Bench) -> None:
        """The name of an agent means a step other than the one that names it."""
        steps = (step("a", "ann"), step("b", "ann"), step("c", "cyd"))
        _, agent = await bench.run(spec(*steps), a=[{"handoff_to": "ann"}], b=["b"], c=["c"])
        assert order(agent) == ["a", "b", "c"]

    async def test_an_unknown_receiver_is_asked_about_again(self, bench: Bench) -> None:
        """The giver hears which steps there are; when it names none of them again, the run fails."""
        wrong = {"handoff_to": "zoe"}
        result, agent = await bench.run(spec(), a=[wrong, {"handoff_to": "c"}], c=["c"])
        assert order(agent) == ["a", "a", "c"]
        assert "Name one of: 'a', 'b', 'c'." in agent.requests[1].feedback
        result, agent = await bench.run(spec(), a=[wrong, wrong])
        assert result.end.reason == "failed"
        assert "'zoe'" in result.end.detail

    async def test_what_the_receiver_depends_on_is_handed_the_work_first(self, bench: Bench) -> None:
        """On the way to the named receiver, and only where it was not taken yet."""
        steps = (step("a", "ann"), step("b", "bob"), step("c", "cyd", "b"))
        result, agent = await bench.run(spec(*steps), a=[{"handoff_to": "c"}], b=["b"], c=["c"])
        assert order(agent) == ["a", "b", "c"]
        assert await transfers(bench, result) == [("ann", "bob"), ("bob", "cyd")]

    async def test_a_skipped_step_hands_on_nothing(self, bench: Bench) -> None:
        """The next one receives what the skipped one would have received."""
        never = step("b", "bob", {"step_name": "a", "condition": "false"})
        result, agent = await bench.run(spec(step("a", "ann"), never, step("c", "cyd")), a=["a"], c=["c"])
        assert order(agent) == ["a", "c"]
        assert prompts(agent)["c"] == 'ann|{"output":"a"}|'
        assert result.end.reason == "goal_met"

    async def test_a_failed_step_ends_the_run_or_hands_on_nothing(self, bench: Bench) -> None:
        """With fail_fast nobody follows; without, the next one goes on with what there was."""
        result, agent = await bench.run(spec(), a=["a"], b=[AgentError("no luck")])
        assert result.end == ("failed", "step 'b': no luck")
        result, agent = await bench.run(spec(fail_fast=False), a=["a"], b=[AgentError("no luck")], c=["c"])
        assert result.end == ("failed", "step 'b' failed")
        assert prompts(agent)["c"] == 'ann|{"output":"a"}|'

    async def test_a_tolerated_gate_is_no_success(self, bench: Bench) -> None:
        """Work whose gate failed is handed on with on_failure: continue, and the end is blocked, done or not."""
        gate = {"name": "good", "condition": "output == 'good'", "on_failure": "continue"}
        gated = step("a", "ann", verification_gates=["good"])
        declared = spec(gated, step("b", "bob"), verification_gates=[gate])
        result, agent = await bench.run(declared, a=["bad"], b=[{"done": True}])
        assert order(agent) == ["a", "b"]
        assert result.end == ("blocked", "gate good of step 'a' does not pass")

    async def test_items_hand_on_together(self, bench: Bench) -> None:
        """The list of a for_each step's outputs is one payload."""
        each = step("b", "bob", for_each="[1, 2]")
        _, agent = await bench.run(
            spec(step("a", "ann"), each, step("c", "cyd")), a=["a"], **{"b[0]": ["x"], "b[1]": ["y"]}, c=["c"]
        )
        assert prompts(agent)["b[1]"] == 'ann|{"output":"a"}|'
        assert prompts(agent)["c"] == 'bob|{"output":["x","y"]}|'


class TestViaSupervisor:
    """To a worker and back."""

    async def test_the_supervisor_decides_after_each_worker(self, bench: Bench) -> None:
        """Work goes to the worker that it names, or to the next one, and comes back each time, on record."""
        declared = spec(protocol="via_supervisor")
        decisions = [{"next_step": "c", "instructions": "first"}, "go on", {"done": True}]
        result, agent = await bench.run(declared, a=decisions, b=["B"], c=["C"])
        assert order(agent) == ["a", "c", "a", "b", "a"]
        assert await transfers(bench, result) == [
            ("ann", "cyd"), ("cyd", "ann"), ("ann", "bob"), ("bob", "ann"),
        ]  # fmt: skip
        assert agent.asked("c")[0].prompt.endswith("|first")
        assert agent.asked("a")[2].prompt == 'bob|{"output":"B"}|'
        assert result.end.reason == "goal_met"

    async def test_another_step_may_supervise(self, bench: Bench) -> None:
        """handoff.supervisor names it; handoff.to_agent in its output names the worker."""
        declared = spec()
        declared["handoff"] = {"protocol": "via_supervisor", "supervisor": "b"}
        decisions = [{"handoff": {"to_agent": "cyd", "payload": {"n": 2}}}, "next", "over"]
        _, agent = await bench.run(declared, b=decisions, a=["A"], c=["C"])
        assert order(agent) == ["b", "c", "b", "a", "b"]
        assert prompts(agent)["c"] == 'bob|{"n":2}|'


class TestBroadcast:
    """To all others at once."""

    async def test_all_others_receive_the_work_at_the_same_time(self, bench: Bench) -> None:
        """Both receivers are under way together, with the first step's work."""
        waiting: list[str] = []
        met = asyncio.Event()

        async def meet(request: Any) -> str:
            waiting.append(request.prompt)
            if len(waiting) == 2:
                met.set()
            async with asyncio.timeout(20):
                await met.wait()
            return "ok"

        handed = {"handoff": {"payload": {"n": 1}, "instructions": "look"}}
        result, _ = await bench.run(spec(protocol="broadcast"), a=[handed], b=[meet], c=[meet])
        assert waiting == ['ann|{"n":1}|look'] * 2
        assert await transfers(bench, result) == [("ann", "bob"), ("ann", "cyd")]
        assert result.end == ("goal_met", "all steps completed and their gates passed")

    async def test_dependencies_and_the_broadcaster_are_heeded(self, bench: Bench) -> None:
        """What the broadcaster depends on comes before it; receivers wait for each other where they must."""
        steps = (step("a", "ann", "c"), step("x", "bob", "b"), step("b", "bob"), step("c", "cyd"))
        declared = spec(*steps, protocol="broadcast")
        result, agent = await bench.run(declared, a=["A"], b=["B"], x=["X"], c=["C"])
        assert order(agent) == ["c", "a", "b", "x"]
        assert result.end.reason == "goal_met"

    async def test_a_prompt_without_a_place_gets_the_instructions_below(self, bench: Bench) -> None:
        """They are not lost."""
        declared = spec(step("a", "ann"), step("b", "bob", prompt_template="do"), protocol="broadcast")
        _, agent = await bench.run(declared, a=[{"instructions": "now"}], b=["B"])
        assert prompts(agent)["b"] == "do\n\nWhat you are told along with this work:\nnow"

    async def test_done_or_a_failure_goes_to_nobody(self, bench: Bench) -> None:
        """The run ends with the broadcaster, also without fail_fast."""
        result, agent = await bench.run(spec(protocol="broadcast"), a=[{"done": True}])
        assert (result.end.reason, order(agent)) == ("goal_met", ["a"])
        declared = spec(protocol="broadcast", fail_fast=False)
        result, agent = await bench.run(declared, a=[AgentError("no luck")])
        assert result.end == ("failed", "step 'a': no luck")

    async def test_without_fail_fast_the_other_receivers_go_on(self, bench: Bench) -> None:
        """A failed receiver is told at the end."""
        declared = spec(protocol="broadcast", fail_fast=False)
        result, agent = await bench.run(declared, a=["A"], b=[AgentError("no luck")], c=["C"])
        assert sorted(order(agent)) == ["a", "b", "c"]
        assert result.end == ("failed", "step 'b' failed")


def test_an_unknown_supervisor_is_a_problem_of_the_spec(bench: Bench) -> None:
    """It is refused when the loop is loaded, with the step that may have been meant."""
    declared = spec(step("plan", "ann"), step("b", "bob"))
    declared["handoff"] = {"protocol": "via_supervisor", "supervisor": "paln"}
    file = bench.project / "loop.json"
    file.write_text(json.dumps(declared))
    with pytest.raises(SpecError, match=r"unknown step 'paln'.*plan"):
        bench.kernel(ScriptedAgent(), bench.storage).load_spec(file)
