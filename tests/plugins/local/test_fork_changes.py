"""Another context or loop, for a fork or for the run itself: it goes on by that, if what was done fits it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import ReplayMismatch
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.engines import ForkRequest, ResumeRequest
from loopengt_hookspecs.errors import MissingRequirement, UsageError
from loopengt_hookspecs.models import EndReason, LoopSpec

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult

MISSING = MissingRequirement("the program 'frob' is not there", remedy="pip install frob")


def loop(*steps: Any, **fields: Any) -> dict[str, Any]:
    """A loop whose prompts show the context."""
    named = ({"name": step, "prompt_template": f"{step} {{mood}} {{depth}}"} for step in steps)
    return loop_spec(*named, context={"mood": "calm", "depth": 3}, **fields)


def echo(request: AgentRequest) -> str:
    """Answer with the prompt."""
    return request.prompt


async def fork(
    lab: Any, run_id: str, at: str, spec: dict[str, Any] | None = None, **context: Any
) -> RunResult:
    """Fork a run whose agents answer with their prompts."""
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": echo}))
    given = LoopSpec.model_validate(spec) if spec is not None else None
    async with kernel.storage():
        return await kernel.engine().fork(ForkRequest(run_id, at, context, given))


async def resume(lab: Any, run_id: str, spec: dict[str, Any], *, accept: bool = False) -> RunResult:
    """Resume a run whose loop may have changed."""
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": echo}))
    request = ResumeRequest(run_id, spec=LoopSpec.model_validate(spec), accept_spec=accept)
    async with kernel.storage():
        return await kernel.engine().resume(request)


async def started(lab: Any, spec: dict[str, Any], **context: Any) -> RunResult:
    """A run whose second step fails for want of something."""
    agent = ScriptedAgent(steps={"a": ["done"], "b": [MISSING]})
    return await run_loop(lab.kernel(agents=agent), spec, context=context)


async def test_a_fork_has_the_context_of_the_run_and_what_is_set(lab: Any) -> None:
    """What is set counts from the place on; the rest is what the run was started with."""
    source = await started(lab, loop("a", "b", "c"), depth=4)
    result = await fork(lab, source.run_id, "b", mood="wild")
    assert result.output == "c wild 4"
    again = await fork(lab, result.run_id, "c", depth=[5])
    assert (again.output, again.snapshot().context) == ("c wild [5]", {"mood": "wild", "depth": [5]})
    with pytest.raises(UsageError, match="context of the fork is not JSON data"):
        await fork(lab, source.run_id, "b", mood=object())


async def test_a_fork_goes_on_by_another_loop(lab: Any) -> None:
    """Its steps, limits and context are the new loop's; what the run was given beside its loop stays."""
    source = await started(lab, loop("a", "b"), depth=4)
    changed = loop("a", "b", "x", policy={"max_turns": 7}, goal="Another goal.") | {"name": "other"}
    changed["context"] = {"mood": "new", "depth": 1}
    result = await fork(lab, source.run_id, "b", changed)
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "x new 4")
    fold, events = await lab.load(result.run_id)
    header = events[0].data
    assert (header["loop"], header["steps"], header["goal"]) == ("other", ["a", "b", "x"], "Another goal.")
    assert (header["limits"]["max_turns"], fold.loop_name) == (7, "other")
    assert (await lab.memory.rows())[0].loop_name == "other"
    assert result.snapshot().step_states["a"].result.output == "done"


async def test_the_same_loop_is_no_other(lab: Any) -> None:
    """A fork by the loop as it is, or with other descriptions, is a fork by the recorded one."""
    spec = loop("a", "b")
    source = await started(lab, spec)
    result = await fork(lab, source.run_id, "b", spec | {"description": "New words."})
    headers = [(await lab.events(run_id))[0].data for run_id in (source.run_id, result.run_id)]
    assert headers[0]["spec"] == headers[1]["spec"]
    assert not headers[1]["forked_from"]["changed"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [(("x", "a", "b"), "asks for step 'x'.*holds step 'a'"), (("b",), "asks for step 'b'.*holds step 'a'")],
)
async def test_another_loop_has_to_fit_what_was_done(steps: Any, words: str, lab: Any) -> None:
    """The error names what does not fit; the run, and the storage, are as before."""
    source = await started(lab, loop("a", "b"))
    before = await lab.events(source.run_id)
    with pytest.raises(ReplayMismatch, match=f"does not fit the given loop: .*{words}"):
        await fork(lab, source.run_id, "b", loop(*steps))
    with pytest.raises(ReplayMismatch, match=words):
        await resume(lab, source.run_id, loop(*steps), accept=True)
    assert await lab.events(source.run_id) == before
    assert [row.run_id for row in await lab.memory.rows()] == [source.run_id]
    assert (await lab.memory.rows())[0].owner is None
    early = await fork(lab, source.run_id, "a", loop(*steps))
    assert early.end.reason is EndReason.GOAL_MET, "before the first step every loop fits"


async def test_a_changed_loop_is_refused_with_what_has_changed(lab: Any) -> None:
    """A unified diff in YAML, and what to type: to accept it, to go on without, or to try it in a fork."""
    spec = loop("a", "b", "c")
    source = await started(lab, spec)
    before = await lab.events(source.run_id)
    changed = loop("a", "b", "c") | {"goal": "Another one."}
    changed["steps"][2]["prompt_template"] = "quite {mood}"
    with pytest.raises(UsageError, match="the loop has changed since run") as caught:
        await resume(lab, source.run_id, changed)
    lines = caught.value.message.splitlines()
    assert "  --- recorded" in lines
    assert "  +++ now" in lines
    assert "  -goal: Show that it works." in lines
    assert "  +goal: Another one." in lines
    assert "  -  prompt_template: c {mood} {depth}" in lines
    assert "  +  prompt_template: quite {mood}" in lines
    for words in ("--accept-spec", "--keep-spec", f"fork {source.run_id} --at"):
        assert words in caught.value.remedy
    assert await lab.events(source.run_id) == before
    assert (await lab.memory.rows())[0].owner is None
    assert (
        await resume_loop(lab.kernel(agents=ScriptedAgent(agents={"worker": echo})), source.run_id)
    ).output == "c calm 3"


async def test_secrets_are_not_shown(lab: Any) -> None:
    """Values under names of secrets are blanked out; when only they differ, that is said."""

    def with_key(key: str, mood: str) -> dict[str, Any]:
        return loop("a", "b") | {"metadata": {}, "context": {"API_KEY": key, "mood": mood, "depth": 3}}

    source = await started(lab, with_key("sk-one-one-one", "calm"))
    for key, mood in (("sk-two-two-two", "wild"), ("sk-two-two-two", "calm")):
        with pytest.raises(UsageError, match="has changed") as caught:
            await resume(lab, source.run_id, with_key(key, mood))
        assert "sk-" not in caught.value.message
        assert ("mood: wild" if mood == "wild" else "values of secrets differ") in caught.value.message


def described(**words: str) -> dict[str, Any]:
    """A loop with descriptions and metadata wherever there can be some."""
    spec = loop("a", "b", "c") | {"description": words["say"], "metadata": words}
    gates = [{"name": "g", "condition": "true", "description": words["say"], "metadata": words}]
    spec["policy"] |= {"verification_gates": gates, "metadata": words}
    spec["agents"][0] |= {"description": words["say"], "metadata": words}
    spec["stop_conditions"] = [{"condition_type": "max_turns", "value": 9, "description": words["say"]}]
    spec["output_schema"] = {"schema_def": {}, "description": words["say"]}
    for step in spec["steps"]:
        step |= {"description": words["say"], "metadata": words}
    return spec


async def test_other_words_are_no_change(lab: Any) -> None:
    """Descriptions and metadata are for people; a description that is the prompt is not."""
    source = await started(lab, described(say="this"))
    assert (await resume(lab, source.run_id, described(say="that"))).end.reason is EndReason.GOAL_MET
    spec = loop_spec("a", "b")
    source = await started(lab, spec)
    for step in spec["steps"]:
        step["description"] = "Do it well."
    with pytest.raises(UsageError, match="has changed"):
        await resume(lab, source.run_id, spec)


async def test_an_accepted_loop_is_gone_by_from_then_on(lab: Any) -> None:
    """The rest is done by it, it stands in the journal, and later resumes, forks and comparisons go by it."""
    spec = loop("a", "b", "c")
    source = await started(lab, spec, depth=4)
    changed = loop("a", "b", "c", "d", policy={"max_turns": 9})
    changed["context"] = {"mood": "new", "depth": 1, "more": True}
    kernel = lab.kernel(agents=ScriptedAgent(steps={"b": [echo], "c": [echo], "d": [MISSING]}))
    async with kernel.storage():
        request = ResumeRequest(source.run_id, spec=LoopSpec.model_validate(changed), accept_spec=True)
        paused = await kernel.engine().resume(request)
    assert paused.end.reason is EndReason.FAILED
    resumed = next(event.data for event in await lab.events(source.run_id) if event.type == "loop.resume")
    assert resumed["steps"] == ["a", "b", "c", "d"]
    assert resumed["limits"]["max_turns"] == 9
    assert resumed["context"] == {"mood": "new", "depth": 4, "more": True}
    assert LoopSpec.model_validate_json(await lab.memory.get_blob(resumed["spec"])).name == "demo"
    with pytest.raises(UsageError, match=r"has changed[\s\S]*-- name: d"):
        await resume(lab, source.run_id, spec)
    forked = await fork(lab, source.run_id, "c", mood="forked")
    assert (forked.output, list(forked.snapshot().step_states)) == ("d forked 4", ["a", "b", "c", "d"])
    back = await fork(lab, source.run_id, "c", spec)
    assert (back.output, list(back.snapshot().step_states)) == ("c calm 4", ["a", "b", "c"])
    before = await fork(lab, source.run_id, "b")
    assert (before.output, list(before.snapshot().step_states)) == ("c calm 4", ["a", "b", "c"])
    done = await resume(lab, source.run_id, changed)
    assert (done.end.reason, done.output) == (EndReason.GOAL_MET, "d new 4")


async def test_accepting_what_has_not_changed_changes_nothing(lab: Any) -> None:
    """Then the journal says nothing of a spec."""
    spec = loop("a", "b")
    source = await started(lab, spec)
    await resume(lab, source.run_id, spec, accept=True)
    resumed = next(event.data for event in await lab.events(source.run_id) if event.type == "loop.resume")
    assert "spec" not in resumed


async def test_a_run_that_has_ended_is_not_compared(lab: Any) -> None:
    """It is shown as it ended, whatever its loop has become."""
    agent = ScriptedAgent(agents={"worker": echo})
    source = await run_loop(lab.kernel(agents=agent), loop("a"))
    assert (await resume(lab, source.run_id, loop("x", "y"))).end == source.end


async def test_steps_of_other_branches_are_left_open(lab: Any) -> None:
    """What was under way at the place is taken up as after a crash; one with effects: once is asked about."""
    both, go = asyncio.Barrier(2), asyncio.Event()

    async def slow(request: AgentRequest) -> str:
        await both.wait()
        if request.step == "once":
            await go.wait()
        return request.step

    def quick(request: AgentRequest) -> str:
        go.set()
        return request.step

    spec = loop_spec(
        {"name": "once", "effects": "once"},
        {"name": "other", "effects": "once"},
        {"name": "late", "dependencies": ["other"], "effects": "once"},
        pattern="parallel_fan_out",
    )
    agent = ScriptedAgent(steps={"once": slow, "other": slow, "late": quick})
    source = await run_loop(lab.kernel(agents=agent), spec)
    assert source.end.reason is EndReason.GOAL_MET
    forked = await fork(lab, source.run_id, "late")
    assert forked.end.reason is EndReason.APPROVAL_REQUIRED
    assert [question["kind"] for question in forked.questions] == ["unknown_outcome"]
    assert forked.snapshot().step_states["other"].result.output == "other"
    agent = ScriptedAgent(agents={"worker": echo})
    done = await resume_loop(lab.kernel(agents=agent), forked.run_id, unknown_outcome="retry")
    assert done.end.reason is EndReason.GOAL_MET
    assert agent.requests[0].step == "once"
