"""``supervisor_worker``: the first step decides which of the others comes next."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.testing import loop_spec
from loopengt_hookspecs.errors import AgentError

Bench = Any

AGENTS = [{"name": name, "config": {"provider": "scripted"}} for name in ("boss", "coder", "tester")]
BOSS = {"name": "boss", "agent": "boss", "prompt_template": "decide {handoff.payload} {feedback}"}
CODE = {"name": "code", "agent": "coder", "prompt_template": "code: {handoff.instructions}|{feedback}"}
TEST = {"name": "test", "agent": "tester", "prompt_template": "test"}


def spec(*steps: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """Make a loop with a supervisor and two workers, or with other steps."""
    steps = steps or (BOSS, CODE, TEST)
    policy.setdefault("retry", {"initial_delay_seconds": 0, "max_retries": 2})
    return loop_spec(*steps, agents=AGENTS, pattern="supervisor_worker", policy=policy)


def order(agent: Any) -> list[str]:
    """The steps in the order in which they were asked."""
    return [request.step for request in agent.requests]


@pytest.mark.parametrize("key", ["next_step", "next_worker"])
@pytest.mark.parametrize("names", [("test", "code"), ("tester", "coder")], ids=["steps", "agents"])
async def test_the_supervisor_names_the_next_worker(bench: Bench, key: str, names: tuple[str, str]) -> None:
    """next_step and next_worker name a step, or the agent of one, also one that was taken already."""
    decisions = [{key: names[0]}, {key: names[1]}, {key: names[0]}, {"done": True}]
    result, agent = await bench.run(spec(), boss=decisions, code=["c"], test=["t1", "t2"])
    assert order(agent) == ["boss", "test", "boss", "code", "boss", "test", "boss"]
    assert result.end == ("goal_met", "step 'boss' says that the work is done")


async def test_without_a_name_the_first_worker_not_yet_taken_is_next(bench: Bench) -> None:
    """When none is left the run is over."""
    decisions = ["go on", {"next_step": None}, {"next_worker": ""}]
    result, agent = await bench.run(spec(), boss=decisions, code=["c"], test=["t"])
    assert order(agent) == ["boss", "code", "boss", "test", "boss"]
    assert result.end == ("goal_met", "all steps completed and their gates passed")


async def test_an_agent_of_two_steps_gives_the_one_not_yet_taken(bench: Bench) -> None:
    """The name of a worker's agent means its first step, then its next, then its first again."""
    more = {**TEST, "name": "more", "agent": "coder"}
    decisions = [{"next_worker": "coder"}] * 3 + [{"done": True}]
    _, agent = await bench.run(spec(BOSS, CODE, more), boss=decisions, code=["c", "c"], more=["m"])
    assert order(agent)[1::2] == ["code", "more", "code"]


async def test_done_ends_the_run_with_workers_left(bench: Bench) -> None:
    """Whom else the output names does not matter then; only true itself is done."""
    decisions = [{"done": "no", "next_step": "test"}, {"done": True, "next_step": "code"}]
    result, agent = await bench.run(spec(), boss=decisions, test=["t"])
    assert order(agent) == ["boss", "test", "boss"]
    assert result.end.reason == "goal_met"


async def test_done_at_once_is_nothing_to_do(bench: Bench) -> None:
    """A supervisor that sends nobody has reached nothing, and does not claim that it has."""
    result, _ = await bench.run(spec(), boss=[{"done": True}])
    assert result.end.reason == "nothing_to_do"


@pytest.mark.parametrize("name", ["tets", "boss", 7, ["code"]])
async def test_an_unknown_name_is_asked_about_again(bench: Bench, name: Any) -> None:
    """The supervisor hears which workers there are, and decides anew; it cannot name itself."""
    decisions = [{"next_step": name}, {"next_step": "test"}, {"done": True}]
    result, agent = await bench.run(spec(), boss=decisions, test=["t"])
    assert order(agent) == ["boss", "boss", "test", "boss"]
    assert agent.requests[1].feedback.endswith("Name one of: 'code', 'test'.")
    assert repr(name) in agent.requests[1].feedback
    assert agent.requests[3].feedback == ""
    assert result.end.reason == "goal_met"


async def test_a_supervisor_that_never_names_a_worker_fails_the_run(bench: Bench) -> None:
    """It is asked again max_retries times, and no worker is sent by chance."""
    result, agent = await bench.run(spec(), boss=[{"next_step": "deploy"}] * 9)
    assert order(agent) == ["boss"] * 3
    assert result.end.reason == "failed"
    assert "'deploy'" in result.end.detail
    assert "'code', 'test'" in result.end.detail


@pytest.mark.parametrize(
    "answer",
    ['{"next_step": "test"}', 'I think so:\n```json\n{"next_step": "test"}\n```\nGood luck!'],
    ids=["whole", "fenced"],
)
async def test_json_in_a_text_is_read(bench: Bench, answer: str) -> None:
    """A text that is a JSON object, or holds one in a fence, decides as data does."""
    _, agent = await bench.run(spec(), boss=[answer, {"done": True}], test=["t"])
    assert order(agent) == ["boss", "test", "boss"]


async def test_the_worker_hears_the_supervisor_and_the_supervisor_the_worker(bench: Bench) -> None:
    """Instructions and feedback reach the worker's prompt, the worker's output the supervisor's."""
    decisions = [{"next_step": "code", "instructions": "be brief", "feedback": "too long"}, {"done": True}]
    _, agent = await bench.run(spec(), boss=decisions, code=[{"lines": 3}])
    assert agent.asked("code")[0].prompt == "code: be brief|too long"
    assert agent.asked("boss")[0].prompt == "decide {} "
    assert agent.asked("boss")[1].prompt == 'decide {"lines":3} '


async def test_instructions_reach_a_prompt_that_has_no_place_for_them(bench: Bench) -> None:
    """They stand below it, and are not told as a rejection."""
    decisions = [{"next_step": "test", "instructions": "all of them"}, {"done": True}]
    _, agent = await bench.run(spec(), boss=decisions, test=["t"])
    assert agent.asked("test")[0].prompt == "test\n\nWhat you are told along with this work:\nall of them"


async def test_what_a_worker_depends_on_is_taken_before_it(bench: Bench) -> None:
    """Near and far dependencies come first, once, without asking the supervisor."""
    steps = (
        BOSS,
        {**TEST, "dependencies": ["code"]},
        {**CODE, "dependencies": ["plan"]},
        {**TEST, "name": "plan"},
    )
    decisions = [{"next_step": "test"}, {"next_step": "test"}, {"done": True}]
    result, agent = await bench.run(spec(*steps), boss=decisions, plan=["p"], code=["c"], test=["t1", "t2"])
    assert order(agent) == ["boss", "plan", "code", "test", "boss", "test", "boss"]
    assert result.end.reason == "goal_met"


async def test_what_the_supervisor_depends_on_is_taken_at_first(bench: Bench) -> None:
    """The supervisor decides after it, and knows it as taken."""
    steps = ({**BOSS, "dependencies": ["test"]}, CODE, TEST)
    _, agent = await bench.run(spec(*steps), boss=["go", "go"], code=["c"], test=["t"])
    assert order(agent) == ["test", "boss", "code", "boss"]


async def test_the_supervisor_hears_that_a_worker_was_skipped(bench: Bench) -> None:
    """A false condition skips the worker, with the reason as feedback."""
    wanted = {**TEST, "dependencies": [{"step_name": "code", "condition": "output == 'ready'"}]}
    result, agent = await bench.run(spec(BOSS, CODE, wanted), boss=[{"next_step": "test"}, "x"], code=["c"])
    assert order(agent) == ["boss", "code", "boss"]
    assert agent.requests[2].feedback.startswith("Step 'test' was skipped: not code: output == 'ready'")
    assert result.end.reason == "goal_met"


async def test_with_fail_fast_a_failed_worker_ends_the_run(bench: Bench) -> None:
    """Nobody is asked after it."""
    result, agent = await bench.run(spec(), boss=["go"], code=[AgentError("no luck")])
    assert result.end == ("failed", "step 'code': no luck")
    assert order(agent) == ["boss", "code"]


async def test_without_fail_fast_the_supervisor_mends_a_failure(bench: Bench) -> None:
    """It hears of the failure and sends the worker again; a success then makes the run one."""
    decisions = [{"next_step": "code"}, {"next_step": "code"}, {"done": True}]
    result, agent = await bench.run(spec(fail_fast=False), boss=decisions, code=[AgentError("no luck"), "c"])
    assert agent.asked("boss")[1].feedback == "Step 'code' did not succeed: no luck"
    assert result.end.reason == "goal_met"


async def test_done_over_a_failure_is_no_success(bench: Bench) -> None:
    """Neither a failed worker nor a failed gate is talked away by the supervisor."""
    result, _ = await bench.run(
        spec(fail_fast=False), boss=["go", {"done": True}], code=[AgentError("no luck")]
    )
    assert result.end == ("failed", "step 'code' failed")
    gate = {"name": "good", "condition": "output == 'good'", "on_failure": "continue"}
    gated = spec(BOSS, {**CODE, "verification_gates": ["good"]}, verification_gates=[gate])
    result, _ = await bench.run(gated, boss=["go", {"done": True}], code=["bad"])
    assert result.end == ("blocked", "gate good of step 'code' does not pass")


async def test_a_failed_supervisor_ends_the_run(bench: Bench) -> None:
    """Without it nobody decides, also without fail_fast."""
    result, agent = await bench.run(spec(fail_fast=False), boss=[AgentError("no luck")])
    assert result.end == ("failed", "step 'boss': no luck")
    assert order(agent) == ["boss"]


async def test_turns_bound_a_supervisor_that_goes_round(bench: Bench) -> None:
    """max_turns ends two that send each other work for ever."""
    result, agent = await bench.run(
        spec(max_turns=7), boss=lambda _: {"next_step": "code"}, code=lambda _: "c"
    )
    assert result.end.reason == "exhausted"
    assert len(agent.requests) == 7


async def test_a_worker_with_for_each_works_on_every_item(bench: Bench) -> None:
    """Its items are the supervisor's list, and the supervisor sees their outputs."""
    each = {**CODE, "for_each": "steps.boss.output.files", "prompt_template": "{item}"}
    looks = {**BOSS, "prompt_template": "{steps.code.output}"}
    decisions = [{"files": ["a", "b"]}, {"done": True}]
    _, agent = await bench.run(spec(looks, each), boss=decisions, **{"code[0]": ["A"], "code[1]": ["B"]})
    assert [request.prompt for request in agent.requests[1:]] == ["a", "b", '["A","B"]']
