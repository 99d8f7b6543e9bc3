"""Steps with ``for_each``: one execution for each item, gathered in order, under every crash."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import EndReason, StepStatus

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.patterns import Run

PLANNED = {"files": ["a.py", "b.py", "c.py"]}


def spec(*after: str, each: str = "steps.plan.output.files", **fields: Any) -> dict[str, Any]:
    """A loop that plans, works on each file, and sums up."""
    steps: list[dict[str, Any]] = [
        {"name": "plan", "agent": "worker"},
        {
            "name": "mend",
            "agent": "worker",
            "prompt_template": "Mend {item}.{feedback}",
            "for_each": each,
            "dependencies": ["plan"],
        },
        *({"name": name, "agent": "worker", "dependencies": ["mend"]} for name in after),
    ]
    return loop_spec(**{"steps": steps, **fields})


def agent(**steps: Any) -> ScriptedAgent:
    """An agent that plans and mends."""
    return ScriptedAgent(steps={"plan": [PLANNED], **steps}, agents={"worker": mend})


async def mend(request: AgentRequest) -> str:
    """Say which step and prompt it was."""
    return f"{request.step}: {request.prompt}"


OUTPUTS = [f"mend[{index}]: Mend {name}." for index, name in enumerate(PLANNED["files"])]


async def test_each_item_is_worked_on_and_gathered_in_order(lab: Any) -> None:
    """The step's output is the list of its items' outputs, which later steps see."""
    worker = agent()
    done = spec("sum")
    done["steps"][2]["prompt_template"] = "{steps.mend.output[2]}"
    result = await run_loop(lab.kernel(agents=worker), done)
    assert result.end.reason is EndReason.GOAL_MET
    fold, events = await lab.load(result.run_id)
    assert fold.steps["mend"].outcome.output == OUTPUTS
    assert fold.steps["mend"].outcome.metadata == {"items": 3}
    assert worker.requests[-1].prompt == OUTPUTS[2]
    gathered = [event for event in events if event.step == "mend"]
    assert [event.type for event in gathered] == ["step.complete"]
    assert "output" not in gathered[0].data
    assert result.snapshot().turn == 5
    assert fold.spent["mend"].turns == 3


@pytest.mark.parametrize("parallel", [False, True])
async def test_items_run_at_the_same_time_only_when_allowed(lab: Any, parallel: bool) -> None:
    """allow_parallel works on max_concurrency items at once, else on one after the other."""
    busy: list[int] = []
    now = 0

    async def work(request: AgentRequest) -> str:
        nonlocal now
        if request.step == "plan":
            return "planned"
        now += 1
        busy.append(now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1
        return request.step

    declared = spec(each="context.numbers", context={"numbers": list(range(20))})
    declared["policy"] = {"allow_parallel": parallel, "max_concurrency": 3}
    result = await run_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": work})), declared)
    assert result.end.reason is EndReason.GOAL_MET
    assert result.output == [f"mend[{number}]" for number in range(20)]
    assert max(busy) == (3 if parallel else 1)


async def test_no_items_are_nothing_to_do(lab: Any) -> None:
    """An empty list completes the step with an empty list."""
    result = await run_loop(lab.kernel(agents=agent(plan=[{"files": []}])), spec())
    assert result.end.reason is EndReason.GOAL_MET
    assert result.output == []


@pytest.mark.parametrize("condition", [None, "false"])
async def test_a_loop_of_nothing_but_empty_lists_meets_its_limits(lab: Any, condition: str | None) -> None:
    """A step without items, or that is skipped with all of them, takes a turn: else no limit would end its laps."""
    declared = spec(each="context.none", context={"none": []}, pattern="repeat", policy={"max_turns": 7})
    declared["steps"][0]["for_each"] = "context.none"
    declared["steps"][1]["dependencies"] = [{"step_name": "plan", "condition": condition}]
    result = await run_loop(lab.kernel(agents=ScriptedAgent()), declared)
    assert (result.end.reason, result.end.detail) == (EndReason.EXHAUSTED, "max_turns: 7 turns were taken")


@pytest.mark.parametrize(
    ("each", "said"),
    [
        ("steps.plan.output", "gives a mapping, not a list"),
        ("'three'", "gives text, not a list"),
        ("3", "gives a number, not a list"),
        ("steps.plan.output.nothing", "for_each"),
    ],
)
async def test_what_is_no_list_fails_the_run(lab: Any, each: str, said: str) -> None:
    """An expression that gives no list, or no value, fails the run and names the step."""
    result = await run_loop(lab.kernel(agents=agent()), spec(each=each))
    assert result.end.reason is EndReason.FAILED
    assert "for_each of step 'mend'" in result.end.detail
    assert said in result.end.detail


async def test_the_first_failed_item_ends_the_run(lab: Any) -> None:
    """With fail_fast an item that fails ends the run, which names it."""
    result = await run_loop(lab.kernel(agents=agent(**{"mend[1]": [AgentError("no")]})), spec())
    assert (result.end.reason, result.end.detail) == (EndReason.FAILED, "step 'mend[1]': no")


@pytest.mark.parametrize("parallel", [False, True])
async def test_failed_items_fail_the_step_after_all_were_worked_on(lab: Any, parallel: bool) -> None:
    """Without fail_fast the others are worked on; the step failed, and says which items and why."""
    worker = agent(**{"mend[1]": [AgentError("no")]})
    declared = spec("sum", policy={"fail_fast": False, "allow_parallel": parallel})
    result = await run_loop(lab.kernel(agents=worker), declared)
    assert result.end.reason is EndReason.FAILED
    fold, _ = await lab.load(result.run_id)
    outcome = fold.steps["mend"].outcome
    assert outcome.error == "1 of 3 items failed\nmend[1]: no"
    assert outcome.output == [OUTPUTS[0], None, OUTPUTS[2]]
    assert fold.steps["sum"].status is StepStatus.SKIPPED
    assert list(fold.failures) == ["mend"]


async def test_an_unmet_condition_skips_all_items(lab: Any) -> None:
    """A for_each step whose condition is false is skipped before its list is looked at."""
    declared = spec(each="steps.plan.output.nothing")
    declared["steps"][1]["dependencies"] = [{"step_name": "plan", "condition": "output.files == 1"}]
    result = await run_loop(lab.kernel(agents=agent()), declared)
    assert result.end.reason is EndReason.GOAL_MET
    assert result.snapshot().step_states["mend"].status is StepStatus.SKIPPED


async def test_gates_see_the_item_and_their_feedback_reaches_its_next_attempt(lab: Any) -> None:
    """Each item has attempts and gates of its own."""
    declared = spec()
    declared["steps"][1]["verification_gates"] = ["twice"]
    gate = {"name": "twice", "condition": "result.metadata.attempt == 2 or item != 'b.py'"}
    declared["policy"] = {"verification_gates": [gate], "retry": {"jitter": False}}

    async def work(request: AgentRequest) -> Any:
        from loopengt_hookspecs.agents import AgentReply

        return AgentReply(request.feedback != "", metadata={"attempt": request.attempt})

    worker = ScriptedAgent(steps={"plan": [PLANNED]}, agents={"worker": work})
    result = await run_loop(lab.kernel(agents=worker), declared)
    assert result.end.reason is EndReason.GOAL_MET
    assert result.output == [False, True, False]


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("durable", [False, True])
async def test_a_crash_at_any_append_loses_and_doubles_nothing(
    lab: Any, dying: Any, killed: Any, parallel: bool, durable: bool
) -> None:
    """Wherever the process dies, the run ends with the same outputs, and no completed item is worked on again."""
    declared = spec("sum", policy={"allow_parallel": parallel, "max_concurrency": 2})
    for at in range(1, 40):
        lab.memory = type(lab.memory)()
        storage = dying(lab.memory, at, durable=durable)
        try:
            await run_loop(lab.kernel(storage=storage, agents=agent()), declared, run_id="r")
        except* killed:
            await storage.bury()
        else:
            break
        rows = await lab.memory.rows()
        if not rows:
            continue
        before, _ = await lab.load("r")
        worker = agent()
        ended = await resume_loop(lab.kernel(agents=worker), "r")
        assert ended.end.reason is EndReason.GOAL_MET
        fold, events = await lab.load("r")
        assert fold.steps["mend"].outcome.output == OUTPUTS
        completed = [event.step for event in events if event.type == "step.complete"]
        assert sorted(completed) == ["mend", "mend[0]", "mend[1]", "mend[2]", "plan", "sum"]
        asked = {request.step for request in worker.requests}
        assert not asked & {name for name, step in before.steps.items() if step.outcome is not None}
    else:
        pytest.fail("the run never came to its end")


async def test_two_thousand_items_are_gathered(lab: Any) -> None:
    """A wide step works, live and when it is resumed in its midst."""
    missing = MissingRequirement("the program 'frob' is not there")
    declared = spec(each="context.numbers", context={"numbers": list(range(2000))})
    declared["policy"] = {"allow_parallel": True, "max_turns": 3000}
    first = ScriptedAgent(steps={"plan": ["p"], "mend[1000]": [missing]}, agents={"worker": mend})
    failed = await run_loop(lab.kernel(agents=first), declared)
    assert failed.end.reason is EndReason.FAILED
    second = ScriptedAgent(agents={"worker": mend})
    ended = await resume_loop(lab.kernel(agents=second), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert len(ended.output) == 2000
    assert len(first.requests) + len(second.requests) <= 2001 + 4


async def test_input_schemas_are_enforced(lab: Any) -> None:
    """An agent whose input does not fit is not called; the step fails with the JSON path of what is wrong."""
    schema = {"type": "object", "properties": {"item": {"type": "string"}}, "required": ["owner"]}
    roles = [{"name": "worker", "config": {"provider": "scripted"}, "input_schema": schema}]
    worker = agent()
    declared = spec(each="context.things", context={"things": ["a", 2], "owner": "me"}, agents=roles)
    result = await run_loop(lab.kernel(agents=worker), declared)
    assert result.end.reason is EndReason.FAILED
    assert "the input of agent 'worker' does not fit its input_schema" in result.end.detail
    assert "$.item" in result.end.detail
    assert [request.step for request in worker.requests] == ["plan", "mend[0]"]
    missing = await run_loop(lab.kernel(agents=agent()), spec(agents=roles))
    assert "owner" in missing.end.detail


async def test_handoffs_name_agents_of_the_loop(lab: Any) -> None:
    """A handoff is recorded once, comes back on a replay, and may only name agents that exist."""
    from loopengt_hookspecs.models import HandoffContext

    async def passing(run: Run) -> None:
        await run.step("first")
        given = await run.hand_off(HandoffContext(from_agent="worker", to_agent=to[0], payload={"n": n}))
        await run.step("second", names={"handoff": given.model_dump()})

    to, n = ["worker"], "x" * 100_000
    lab.patterns["passing"] = passing
    missing = MissingRequirement("the program 'frob' is not there")
    declared = loop_spec("first", "second", pattern="passing")
    failed = await run_loop(
        lab.kernel(agents=ScriptedAgent(steps={"first": ["1"], "second": [missing]})), declared
    )
    ended = await resume_loop(lab.kernel(agents=ScriptedAgent(steps={"second": ["2"]})), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    handoffs = [event.data for event in await lab.events(failed.run_id) if event.type == "handoff"]
    assert [data["payload"] for data in handoffs] == [{"n": n}]
    to[0] = "stranger"
    refused = await run_loop(lab.kernel(agents=ScriptedAgent("x")), declared)
    assert refused.end.reason is EndReason.FAILED
    assert "'stranger', which loop" in refused.end.detail
