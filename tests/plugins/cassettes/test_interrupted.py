"""Recordings that are cut short and go on, calls at the same time, child runs, and calls within an attempt."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec
from loopengt_hookspecs.agents import AgentReply, MissingRequirement, RateLimited
from loopengt_hookspecs.calls import PersonQuestion
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.agents import AgentRequest

    from .conftest import Studio


class Worker:
    """Writes a file for each call; the first call of one step leaves its work half done and waits to be interrupted."""

    def __init__(self, kernel: Callable[[], Kernel]) -> None:
        self.kernel = kernel
        self.calls: list[str] = []

    async def __call__(self, request: AgentRequest) -> str:
        """Work."""
        self.calls.append(request.step)
        root = request.workspace
        if request.step == "two" and self.calls.count("two") == 1:
            (root / "half.txt").write_text("half done")
            self.kernel().engine().interrupt()
            await asyncio.Event().wait()
        (root / f"{request.step}.txt").write_text("done")
        return request.step


async def test_a_recording_goes_on_with_its_run(
    studio: Studio, files_of: Callable[[Path], dict[str, bytes]]
) -> None:
    """What an interrupted call had done belongs to its cassette, once it was made again; nothing is recorded twice."""
    spec = loop_spec("one", "two", "three")
    copy = studio.copy()
    kernel: Kernel
    worker = Worker(lambda: kernel)
    agent = ScriptedAgent(agents={"worker": worker})
    kernel = studio.kernel(studio.project, agent)
    paused = await studio.drive(kernel, spec, studio.recorder(kernel))
    assert paused.can_resume
    assert "three.1.1" not in studio.names()

    kernel = studio.kernel(studio.project, agent)
    done = await studio.resume(kernel, paused.run_id, studio.recorder(kernel, paused.run_id))
    assert (done.end.reason, worker.calls) == (EndReason.GOAL_MET, ["one", "two", "two", "three"])
    assert studio.names() == ["one.1.1", "three.1.1", "two.1.1"]
    assert sorted(studio.cassette("two.1.1")["patch"]) == ["half.txt", "two.txt"]
    replayed = await studio.replay(copy, spec)
    assert replayed.output == "three"
    assert files_of(copy) == files_of(studio.project)


async def test_a_recording_goes_on_after_a_death(studio: Studio) -> None:
    """What the killed process had left of an attempt is taken for its work, by what was kept when it began."""

    class Death(BaseException):
        """Stands for the end of the process."""

    from loopengt_cassettes.recorder import Recorder

    recorder = Recorder(studio.tape, studio.project)
    request = await captured(studio)
    studio.write("before.txt", "there already")

    async def dies(request: AgentRequest) -> AgentReply:
        (request.workspace / "half.txt").write_text("x")
        raise Death

    with pytest.raises(Death):
        await recorder(request, dies)
    assert studio.names() == []

    async def works(request: AgentRequest) -> AgentReply:
        (request.workspace / "whole.txt").write_text("y")
        return AgentReply("done")

    await Recorder(studio.tape, studio.project)(request, works)
    assert sorted(studio.cassette("work.1.1")["patch"]) == ["half.txt", "whole.txt"]


async def captured(studio: Studio) -> AgentRequest:
    """Return the request of one attempt, as an engine makes it."""
    agent = ScriptedAgent("x")
    kernel = studio.kernel(studio.project, agent)
    request = RunRequest(studio.load(kernel, loop_spec()), in_place=True)
    async with kernel.storage():
        await kernel.engine().start(request)
    return agent.requests[0]


async def test_a_rate_limit_that_is_waited_out_is_no_call(studio: Studio) -> None:
    """The attempt is recorded once, as it ended."""
    limited = RateLimited("slow down", retry_after=0)
    await studio.record(ScriptedAgent(limited, "fine"), loop_spec())
    assert studio.names() == ["work.1.1"]
    assert studio.cassette("work.1.1")["reply"]["output"] == "fine"


async def test_a_run_that_pauses_for_a_person_is_recorded_to_its_end(studio: Studio) -> None:
    """A pause is no failure: the call is recorded when it has its answer, and a replay asks nobody."""
    from loopengt.approvals import Answer, decide

    async def ask(request: AgentRequest) -> str:
        return (await request.calls.ask(PersonQuestion("Which?"))).text

    agent = ScriptedAgent(steps={"work": ask})
    copy = studio.copy()
    kernel = studio.kernel(studio.project, agent)
    paused = await studio.drive(kernel, loop_spec(), studio.recorder(kernel))
    assert paused.end.reason is EndReason.APPROVAL_REQUIRED
    assert studio.names() == []
    async with kernel.storage() as storage:
        question = str(paused.questions[0]["id"])
        await decide(storage, paused.run_id, question, Answer(True, "ann@home", "red"))
    done = await studio.resume(kernel, paused.run_id, studio.recorder(kernel, paused.run_id))
    assert done.output == "red"
    assert (await studio.replay(copy, loop_spec())).output == "red"


async def test_what_calls_within_an_attempt_use_is_kept(studio: Studio) -> None:
    """Tokens and cost of requests to models, which the reply leaves out, are in the cassette."""

    async def send(request: ModelRequest) -> ModelResponse:
        return ModelResponse("hi", token_usage={"prompt_tokens": 5, "completion_tokens": 2}, cost_usd=0.125)

    async def chat(request: AgentRequest) -> AgentReply:
        for text in ("one", "two"):
            await request.calls.model(ModelRequest((Message("user", text),)), send)
        return AgentReply("done")

    copy = studio.copy()
    recorded = await studio.record(ScriptedAgent(steps={"work": chat}), loop_spec())
    assert (recorded.tokens, recorded.cost_usd) == (14, 0.25)
    reply = studio.cassette("work.1.1")["reply"]
    assert (reply["token_usage"], reply["cost_usd"]) == ({"prompt_tokens": 10, "completion_tokens": 4}, 0.25)
    replayed = await studio.replay(copy, loop_spec())
    assert (replayed.tokens, replayed.cost_usd, replayed.unknown_costs) == (0, 0.0, 0)


async def test_a_budget_that_ends_a_call_leaves_no_cassette_of_it(studio: Studio) -> None:
    """The run ends as exhausted, not as failed: a call that the engine broke off is not recorded as an error."""

    async def send(request: ModelRequest) -> ModelResponse:
        return ModelResponse("hi", token_usage={"prompt_tokens": 50})

    async def chat(request: AgentRequest) -> AgentReply:
        for number in range(9):
            await request.calls.model(ModelRequest((Message("user", str(number)),)), send)
        return AgentReply("done")

    spec = loop_spec(policy={"budget": {"max_tokens": 120}})
    recorded = await studio.record(ScriptedAgent(steps={"work": chat}), spec)
    assert recorded.end.reason is EndReason.EXHAUSTED
    assert studio.names() == []


async def test_a_missing_requirement_is_recorded_until_it_is_mended(studio: Studio) -> None:
    """The failure is replayed as such; resumed once it is mended, the same call takes its place."""
    agent = ScriptedAgent(MissingRequirement("no key", remedy="export KEY=..."), "fine")
    copy = studio.copy()
    kernel = studio.kernel(studio.project, agent)
    failed = await studio.drive(kernel, loop_spec(), studio.recorder(kernel))
    replayed = await studio.replay(copy, loop_spec())
    assert (replayed.end.reason, replayed.end.detail) == (EndReason.FAILED, failed.end.detail)
    done = await studio.resume(kernel, failed.run_id, studio.recorder(kernel, failed.run_id))
    assert done.output == "fine"
    assert (await studio.replay(studio.copies / "copy", loop_spec())).output == "fine"


async def test_calls_at_the_same_time_end_in_the_recorded_order(
    studio: Studio, files_of: Callable[[Path], dict[str, bytes]]
) -> None:
    """Two that write the same file, the slower one last: in the replay its work is on top, too."""
    slow_has_begun, quick_is_done = asyncio.Event(), asyncio.Event()

    async def slow(request: AgentRequest) -> str:
        (request.workspace / "shared.txt").write_text("slow, begun")
        slow_has_begun.set()
        await quick_is_done.wait()
        (request.workspace / "shared.txt").write_text("slow, done")
        return "slow"

    async def quick(request: AgentRequest) -> str:
        await slow_has_begun.wait()
        (request.workspace / "quick.txt").write_text("quick")
        return "quick"

    spec = loop_spec("slow", "quick", pattern="parallel_fan_out")
    copy = studio.copy()
    kernel = studio.kernel(studio.project, ScriptedAgent(steps={"slow": slow, "quick": quick}))
    recorder = studio.recorder(kernel)

    async def watched(request: AgentRequest, call_next: Any) -> AgentReply:
        """Let the slow one go on once the quick one is recorded."""
        reply: AgentReply = await recorder(request, call_next)
        if request.step == "quick":
            quick_is_done.set()
        return reply

    await studio.drive(kernel, spec, watched)
    assert studio.cassette("slow.1.1")["during"] == ["quick.1.1"]
    assert "during" not in studio.cassette("quick.1.1")
    assert sorted(studio.cassette("quick.1.1")["patch"]) == ["quick.txt", "shared.txt"]
    replayed = await studio.replay(copy, spec)
    assert replayed.end.reason is EndReason.GOAL_MET
    assert files_of(copy) == files_of(studio.project)
    assert (copy / "shared.txt").read_text() == "slow, done"


async def test_child_runs_are_recorded_with_their_parent(studio: Studio) -> None:
    """The calls of a loop that a step runs have names of their own, the same in every run."""
    child = loop_spec("inner", name="child")
    studio.write("child.json", json.dumps(child))
    spec = loop_spec("first", {"name": "below", "loop": "child.json"})
    kernel = studio.kernel(studio.project, ScriptedAgent(steps={"first": ["1"], "inner": ["2"]}))
    (studio.project / "loop.json").write_text(json.dumps(spec))
    copy = studio.copy()

    async def run(kernel: Kernel, middleware: Any) -> Any:
        file = kernel.project / "loop.json"
        request = RunRequest(
            kernel.load_spec(file).spec, source=file, in_place=True, middleware=(middleware,)
        )
        async with kernel.storage():
            return await kernel.engine().start(request)

    assert (await run(kernel, studio.recorder(kernel))).output == "2"
    (inner,) = [name for name in studio.names() if "inner" in name]
    assert inner.endswith(".inner.1.1")
    other = studio.kernel(copy)
    replayer = other.get("middleware", "replay").of(studio.tape)
    result = await run(other, replayer)
    assert (result.output, result.end.reason) == ("2", EndReason.GOAL_MET)
    assert replayer.notes() == []


async def test_a_rate_limit_that_takes_too_long_fails_again(studio: Studio) -> None:
    """A limit that the policy does not wait for is a failed attempt, in the replay, too."""
    limited = RateLimited("slow down", retry_after=9)
    spec = loop_spec(policy={"retry": {"max_rate_limit_wait_seconds": 1, "max_retries": 0}})
    copy = studio.copy()
    recorded = await studio.record(ScriptedAgent(limited), spec)
    replayed = await studio.replay(copy, spec)
    assert recorded.end.reason is replayed.end.reason is EndReason.FAILED
    assert "slow down" in replayed.end.detail
