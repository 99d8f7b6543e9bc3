"""What an agent is asked: prompts, names, keys, and the middleware around it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from loopengt import UsageError
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import EndReason, LoopSpec


async def test_a_prompt_sees_context_goal_steps_and_itself(lab: Any) -> None:
    """Names of the context, of the run and of earlier steps are filled in; the caller's context goes first."""
    template = (
        "{goal} {colour} {size} {steps.a.output.n} {steps.a.status} [{feedback}{handoff}{item}] {lap} {{x}}"
    )
    role = {"name": "worker", "system_prompt": "You paint {colour}.", "config": {"provider": "scripted"}}
    spec = loop_spec(
        "a", {"name": "b", "prompt_template": template}, agents=[role], context={"colour": "red", "size": 3}
    )
    agent = ScriptedAgent({"n": 1}, "done")
    await run_loop(lab.kernel(agents=agent), spec, context={"colour": "blue"})
    assert agent.requests[1].prompt == "Show that it works. blue 3 1 completed [] 1 {x}"
    assert agent.requests[1].system_prompt == "You paint blue."
    assert agent.requests[0].prompt == "Show that it works."
    assert dict(agent.requests[0].context) == {"colour": "blue", "size": 3}


async def test_a_description_is_the_prompt_of_a_step_without_one(lab: Any) -> None:
    """Without a template the description is used, and without both the goal."""
    agent = ScriptedAgent("1", "2")
    await run_loop(lab.kernel(agents=agent), loop_spec({"name": "a", "description": "Do {goal}"}, "b"))
    assert [request.prompt for request in agent.requests] == ["Do Show that it works.", "Show that it works."]


async def test_text_from_data_is_not_expanded_again(lab: Any) -> None:
    """Placeholders in an output are plain text."""
    agent = ScriptedAgent("{goal} {{x}} {steps.a.output}", "done")
    await run_loop(
        lab.kernel(agents=agent), loop_spec("a", {"name": "b", "prompt_template": "{steps.a.output}"})
    )
    assert agent.requests[1].prompt == "{goal} {{x}} {steps.a.output}"


async def test_a_name_that_is_missing_at_run_time_fails_the_run_with_its_step(lab: Any) -> None:
    """A field that the output does not have is told with the step and the placeholder; no agent is asked."""
    agent = ScriptedAgent({"n": 1})
    spec = loop_spec("a", {"name": "b", "prompt_template": "{steps.a.output.total}"})
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.FAILED
    assert "step 'b'" in result.end.detail
    assert "{steps.a.output.total}" in result.end.detail
    assert len(agent.requests) == 1
    assert (await lab.memory.rows())[0].status == "failed"


async def test_a_condition_without_a_value_fails_the_run(lab: Any) -> None:
    """A dependency's condition that cannot be evaluated is no verdict: the run fails and names it."""
    dependency = {"step_name": "a", "condition": "output.ready"}
    spec = loop_spec("a", {"name": "b", "dependencies": [dependency]})
    result = await run_loop(lab.kernel(agents=ScriptedAgent({"n": 1})), spec)
    assert result.end.reason is EndReason.FAILED
    assert "output.ready" in result.end.detail
    assert (await lab.memory.rows())[0].status == "failed"


async def test_names_of_the_pattern_reach_prompts_and_gates(lab: Any) -> None:
    """What a pattern passes as names can be used in the prompt and in the gates of that step."""

    async def handing(run: Any) -> None:
        await run.step("work", names={"handoff": {"to": "you"}, "item": "third"})

    lab.patterns["handing"] = handing
    gate = {"name": "third", "condition": "item == 'third'"}
    step = {"name": "work", "prompt_template": "{handoff.to} {item}", "verification_gates": ["third"]}
    agent = ScriptedAgent("x")
    spec = loop_spec(step, pattern="handing", policy={"verification_gates": [gate]})
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.GOAL_MET, result.end.detail
    assert agent.requests[0].prompt == "you third"


async def test_the_key_of_an_attempt_names_it(lab: Any) -> None:
    """Run, step, occurrence and attempt make the idempotency key; the same attempt has the same key again."""
    agent = ScriptedAgent("1", MissingRequirement("no frob"), "2", steps={})
    failed = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"), run_id="run-7")
    await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert [request.idempotency_key for request in agent.requests] == [
        "run-7/a/1/1",
        "run-7/b/1/1",
        "run-7/b/1/1",
    ]


class Tagging:
    """Middleware that leaves its mark on the way in and on the way out."""

    def __init__(self, tag: str, log: list[str]) -> None:
        self.tag = tag
        self.log = log

    async def __call__(self, request: Any, call_next: Any) -> AgentReply:
        """Mark prompt and output."""
        self.log.append(f"{self.tag} in")
        reply = await call_next(dataclasses.replace(request, prompt=f"{request.prompt}+{self.tag}"))
        self.log.append(f"{self.tag} out")
        return dataclasses.replace(reply, output=f"{reply.output}+{self.tag}")


async def test_middleware_stands_around_an_attempt_in_the_order_of_the_config(lab: Any) -> None:
    """The first named is outermost: it sees the request first and the reply last."""
    log: list[str] = []
    lab.middleware = {name: Tagging(name, log) for name in ("a", "b", "unused")}
    agent = ScriptedAgent("x")
    kernel = lab.kernel(agents=agent, config={"engine": {"middleware": ["b", "a"]}})
    result = await run_loop(kernel, loop_spec())
    assert agent.requests[0].prompt.endswith("+b+a")
    assert result.output == "x+a+b"
    assert log == ["b in", "a in", "a out", "b out"]


async def test_middleware_can_answer_in_the_agents_place_or_fail_it(lab: Any) -> None:
    """What middleware returns or raises counts as the agent's; each attempt passes through it."""

    async def guard(request: Any, call_next: Any) -> AgentReply:
        if request.step == "cached":
            return AgentReply("from the cache", cost_usd=0.0)
        if request.attempt == 1:
            raise AgentError("not yet", kind="TimeoutError")
        return await call_next(request)  # type: ignore[no-any-return]  # call_next is the engine's

    lab.middleware = {"guard": guard}
    agent = ScriptedAgent("x")
    kernel = lab.kernel(agents=agent, config={"engine": {"middleware": ["guard"]}})
    result = await run_loop(kernel, loop_spec("cached", "work"))
    assert result.snapshot().step_states["cached"].result.output == "from the cache"
    assert [(request.step, request.attempt) for request in agent.requests] == [("work", 2)]


@pytest.mark.parametrize(
    "run_id", ["../escape", "a/b", "", "-x", "a..b", "a b", "x" * 101, "ü", "a.lock", "a\n"]
)
async def test_a_run_id_cannot_name_another_place(run_id: str, lab: Any) -> None:
    """An id that could not be the name of a folder and a branch is refused before anything is made."""
    if not run_id:
        assert (await run_loop(lab.kernel(agents=ScriptedAgent("x")), run_id=run_id)).run_id
        return
    with pytest.raises(UsageError, match="cannot be the id of a run"):
        await run_loop(lab.kernel(), loop_spec(), run_id=run_id, in_place=False)
    assert not (lab.project / ".loopengt").exists()
    assert await lab.memory.rows() == []


async def test_a_context_must_be_data(lab: Any) -> None:
    """A value that cannot be kept is refused before anything is made."""
    spec = LoopSpec.model_validate(loop_spec())
    with pytest.raises(UsageError, match="the context of loop 'demo' is not JSON data"):
        await run_loop(lab.kernel(), spec, context={"when": object()}, in_place=False)
    assert not (lab.project / ".loopengt").exists()
