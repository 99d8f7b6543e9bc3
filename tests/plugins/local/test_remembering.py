"""Steps that read from memory and write to it, and contexts that are brought under a limit."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason, MemoryScope


def store(lab: Any) -> Any:
    """The project's memory store."""
    return lab.kernel().get("memories", "sqlite")


def remembering(scope: str = "loop", **fields: Any) -> dict[str, Any]:
    """A loop whose first step writes down what its second looks for."""
    write = {"content": "The port is {output}.", "scope": scope, "metadata": {"about": "ports"}}
    read = {"query": "which {what}?", "scope": scope}
    return loop_spec(
        {"name": "find", "memory": {"write": write}},
        {"name": "use", "prompt_template": "Known:\n{memory}", "memory": {"read": read}},
        context={"what": "port"},
        **fields,
    )


@pytest.mark.parametrize("scope", ["run", "loop", "project"])
async def test_what_a_step_writes_another_reads(lab: Any, scope: str) -> None:
    """The second step's prompt has the entry of the first, and the journal tells of both."""
    lab.agent = ScriptedAgent("8765", "done")
    result = await run_loop(lab.kernel(), remembering(scope))
    assert lab.agent.requests[1].prompt == "Known:\n- The port is 8765."
    events = {event.type: event.data for event in await lab.events(result.run_id)}
    assert (events["memory.write"]["content"], events["memory.write"]["scope"]) == (
        "The port is 8765.",
        scope,
    )
    read = events["memory.read"]
    assert (read["query"], read["entries"][0]["metadata"]["about"]) == ("which port?", "ports")


async def test_scopes_are_kept_apart(lab: Any) -> None:
    """What a run keeps for itself no later run sees; what it keeps for its loop the next one does."""
    for scope, expected in (("run", 1), ("loop", 2)):
        for _ in range(2):
            lab.agent = ScriptedAgent(steps={"find": [scope], "use": ["done"]})
            result = await run_loop(lab.kernel(), remembering(scope, name=f"of {scope}"))
        (read,) = [event.data for event in await lab.events(result.run_id) if event.type == "memory.read"]
        assert len(read["entries"]) == expected


async def test_a_prompt_without_a_place_for_it_is_followed_by_what_is_remembered(lab: Any) -> None:
    """Without ``{memory}`` the entries stand below the prompt; without entries there is nothing."""
    memory = store(lab).memory(MemoryScope.PROJECT)
    step = {"name": "work", "description": "Do it.", "memory": {"read": {"scope": "project"}}}
    lab.agent = ScriptedAgent("a", "b")
    await run_loop(lab.kernel(), loop_spec(step))
    await memory.add("{braces} and {{ more }}")
    await run_loop(lab.kernel(), loop_spec(step))
    assert lab.agent.requests[0].prompt == "Do it."
    heading = "What is remembered of earlier work:"
    assert lab.agent.requests[1].prompt == f"Do it.\n\n{heading}\n- {{braces}} and {{{{ more }}}}"


async def test_a_condition_decides_what_is_worth_remembering(lab: Any) -> None:
    """Nothing is written when the condition on the result does not hold."""
    write = {"condition": "output != 'nothing'", "scope": "project"}
    lab.agent = ScriptedAgent("nothing", "something")
    for _ in range(2):
        await run_loop(lab.kernel(), loop_spec({"name": "look", "memory": {"write": write}}))
    entries = await store(lab).memory(MemoryScope.PROJECT).recent()
    assert [entry.content for entry in entries] == ["something"]


async def test_a_death_at_any_append_remembers_once(lab: Any, dying: Any, killed: Any) -> None:
    """However the run dies and is resumed, each step has written one entry, and reads what it read before."""
    gate = {"name": "second", "condition": "result.metadata.attempt == 2"}
    spec = remembering("run", policy={"verification_gates": [gate]})
    spec["steps"][1]["verification_gates"] = ["second"]

    def answer(request: Any) -> AgentReply:
        return AgentReply("1234", metadata={"attempt": request.attempt})

    whole = dying(lab.memory, at=10_000, durable=True)
    await run_loop(lab.kernel(storage=whole, agents=ScriptedAgent(agents={"worker": answer})), spec)
    for at in range(1, whole.appends + 1):
        storage = dying(lab.memory, at=at, durable=True)
        agent = ScriptedAgent(agents={"worker": answer})
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(lab.kernel(storage=storage, agents=agent), spec, run_id=f"run-{at}")
        await storage.bury()
        result = await resume_loop(lab.kernel(agents=agent), f"run-{at}")
        assert result.end.reason is EndReason.GOAL_MET
        assert await store(lab).memory(MemoryScope.RUN, f"run-{at}").count() == 1
        kinds = await lab.types(f"run-{at}")
        assert (kinds.count("memory.read"), kinds.count("memory.write")) == (1, 1)


def long_text() -> str:
    """Some two thousand words, with one sentence that matters at either end."""
    filler = " ".join(f"Line {number} of the log says that all is well." for number in range(300))
    return f"The build began at noon. {filler} The build broke in module seven."


async def test_a_context_that_is_too_long_is_shortened(lab: Any) -> None:
    """What the prompt takes from a step has at most the declared tokens, its first and last words among them."""
    lab.agent = ScriptedAgent(long_text(), "done")
    use = {"name": "use", "prompt_template": "Goal {goal}. Log: {steps.read.output}", "context_tokens": 120}
    result = await run_loop(lab.kernel(), loop_spec("read", use))
    prompt = lab.agent.requests[1].prompt
    assert len(prompt) < 1_500
    assert prompt.startswith("Goal Show that it works.. Log: The build began at noon.")
    assert prompt.endswith("The build broke in module seven.")
    (told,) = [event.data for event in await lab.events(result.run_id) if event.type == "custom"]
    assert told["summarized"] == ["steps.read.output"]
    assert told["tokens_after"] <= 120 < told["tokens_before"]


async def test_a_context_that_fits_is_left_alone(lab: Any) -> None:
    """Below the limit the prompt is what it was."""
    lab.agent = ScriptedAgent("short", "done")
    use = {"name": "use", "prompt_template": "{steps.read.output}", "context_tokens": 120}
    await run_loop(lab.kernel(), loop_spec("read", use))
    assert lab.agent.requests[1].prompt == "short"


async def test_an_agent_writes_the_summary(lab: Any, dying: Any, killed: Any) -> None:
    """The named agent is asked, what it costs is the step's, and a resumed run does not ask it again."""
    roles = [{"name": name, "config": {"provider": "scripted"}} for name in ("worker", "writer")]
    use = {
        "name": "use",
        "prompt_template": "{steps.read.output}",
        "context_tokens": 60,
        "summarizer": "writer",
    }
    spec = loop_spec("read", use, agents=roles)

    def scripts() -> ScriptedAgent:
        return ScriptedAgent(agents={"worker": _by_step, "writer": _summary})

    whole = dying(lab.memory, at=10_000, durable=True)
    agent = scripts()
    undisturbed = await run_loop(lab.kernel(storage=whole, agents=agent), spec)
    assert agent.requests[-1].prompt == "It broke in seven."
    asked = [request for request in agent.requests if request.agent.name == "writer"]
    assert undisturbed.cost_usd == 0.5 * len(asked)
    for at in range(1, whole.appends + 1):
        storage = dying(lab.memory, at=at, durable=True)
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(lab.kernel(storage=storage, agents=scripts()), spec, run_id=f"run-{at}")
        await storage.bury()
        written = sum(event.type == "model.response" for event in await lab.events(f"run-{at}"))
        agent = ScriptedAgent(agents={"worker": _by_step, "writer": _summary})
        result = await resume_loop(lab.kernel(agents=agent), f"run-{at}")
        assert (result.end, result.cost_usd) == (undisturbed.end, undisturbed.cost_usd)
        again = [request for request in agent.requests if request.agent.name == "writer"]
        assert len(again) == len(asked) - written


def _by_step(request: Any) -> str:
    return long_text() if request.step == "read" else "done"


def _summary(request: Any) -> AgentReply:
    return AgentReply("It broke in seven.", {"total_tokens": 7}, 0.5, "reported")
