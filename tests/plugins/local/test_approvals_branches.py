"""Approvals beside branches that work: nobody waits for a person but the step that asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.approvals import Answer, decide
from loopengt.errors import UsageError
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest

ANN = Answer(True, "ann@home")
GATES = {"verification_gates": [{"name": "sign-off", "kind": "approval"}]}


def fan_out(*steps: Any, **policy: Any) -> dict[str, Any]:
    """Steps at the same time; those that are called ``ask…`` ask a person about their work."""
    described = [{"name": step} if isinstance(step, str) else step for step in steps]
    for step in described:
        if step["name"].startswith("ask"):
            step["verification_gates"] = ["sign-off"]
    return loop_spec(*described, pattern="parallel_fan_out", policy=GATES | policy)


def echo(request: AgentRequest) -> str:
    """Answer with the step's name."""
    return request.step


async def asked(lab: Any, run_id: str, count: int = 1) -> list[str]:
    """Wait until a run asks so many questions, and return their ids."""
    async with asyncio.timeout(20):
        while True:
            if await lab.memory.rows(prefix=run_id):
                found = list((await lab.load(run_id))[0].questions)
                if len(found) >= count:
                    return found
            await asyncio.sleep(0.01)


async def test_others_go_on_while_one_waits(lab: Any) -> None:
    """With one slot for all, the step that waits leaves it to the others; the run pauses when they are done."""
    lab.agent = ScriptedAgent(agents={"worker": echo})
    spec = fan_out("ask", *(f"s{index}" for index in range(10)), {"name": "last", "dependencies": ["ask"]},
                   max_concurrency=1)  # fmt: skip
    paused = await run_loop(lab.kernel(), spec)
    assert paused.end.reason is EndReason.APPROVAL_REQUIRED
    assert [request.step for request in lab.agent.requests] == ["ask", *(f"s{index}" for index in range(10))]
    await decide(lab.memory, paused.run_id, paused.questions[0]["id"], ANN)
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert (ended.end.reason, len(lab.agent.requests)) == (EndReason.GOAL_MET, 12)


async def test_an_answer_reaches_a_run_that_is_driven(lab: Any) -> None:
    """While another branch works the answer is taken at once, and the run never pauses."""
    go, went_on = asyncio.Event(), asyncio.Event()

    async def answers(request: AgentRequest) -> str:
        if request.step == "works":
            await go.wait()
        elif request.step == "next":
            went_on.set()
        return request.step

    lab.agent = ScriptedAgent(agents={"worker": answers})
    spec = fan_out("ask", "works", {"name": "next", "dependencies": ["ask"]})
    running = asyncio.create_task(run_loop(lab.kernel(poll_seconds=0.02), spec, run_id="driven"))
    (question,) = await asked(lab, "driven")
    said = await decide(lab.memory, "driven", question, ANN)
    assert said.ours
    assert said.driven_by.startswith("process ")
    late = await decide(lab.memory, "driven", question, Answer(False, "bob@work"))
    assert (late.ours, late.decision["by"]) == (False, "ann@home")
    async with asyncio.timeout(20):
        await went_on.wait()
    go.set()
    assert (await running).end.reason is EndReason.GOAL_MET
    assert "loop.pause" not in await lab.types("driven")


async def test_two_answers_at_once_to_a_driven_run(lab: Any) -> None:
    """The first to arrive counts, the other person is told; the journal has one decision."""
    go = asyncio.Event()
    lab.agent = ScriptedAgent(steps={"ask": [1], "works": [lambda _: go.wait()]})
    running = asyncio.create_task(
        run_loop(lab.kernel(poll_seconds=0.02), fan_out("ask", "works"), run_id="driven")
    )
    (question,) = await asked(lab, "driven")
    people = [Answer(True, "ann@home"), Answer(True, "bob@work")]
    said = await asyncio.gather(*(decide(lab.memory, "driven", question, person) for person in people))
    assert sorted(each.ours for each in said) == [False, True]
    assert said[0].decision == said[1].decision
    go.set()
    assert (await running).end.reason is EndReason.GOAL_MET
    assert (await lab.types("driven")).count("approval.decision") == 1


async def test_an_owner_that_takes_no_signals_is_named(lab: Any) -> None:
    """A process that drives the run but does not take the answer is an error that says so, not a lie."""
    go = asyncio.Event()
    lab.agent = ScriptedAgent(steps={"ask": [1], "works": [lambda _: go.wait()]})
    running = asyncio.create_task(
        run_loop(lab.kernel(poll_seconds=1000), fan_out("ask", "works"), run_id="deaf")
    )
    (question,) = await asked(lab, "deaf")
    with pytest.raises(UsageError, match="has not taken the answer yet"):
        await decide(lab.memory, "deaf", question, ANN, patience=0.2)
    go.set()
    assert (await running).end.reason is EndReason.APPROVAL_REQUIRED
    assert (await decide(lab.memory, "deaf", question, ANN)).ours, "nobody drives it any more"


async def test_all_questions_are_told_and_each_can_be_answered(lab: Any) -> None:
    """A pause names all that is asked; a branch goes on with its answer while the others still wait."""
    lab.agent = ScriptedAgent(agents={"worker": echo})
    names = [f"ask{index}" for index in range(7)]
    spec = fan_out(*names, {"name": "next", "dependencies": ["ask3"]})
    paused = await run_loop(lab.kernel(), spec)
    assert [question["step"] for question in paused.questions] == names
    assert paused.end.detail.startswith("7 answers are needed: gate 'sign-off' of step 'ask0', ")
    assert paused.end.detail.endswith(" and 2 more")
    await decide(lab.memory, paused.run_id, paused.questions[3]["id"], ANN)
    again = await resume_loop(lab.kernel(), paused.run_id)
    assert {question["step"] for question in again.questions} == {*names} - {"ask3"}
    assert lab.agent.asked("next")
    for question in again.questions:
        await decide(lab.memory, paused.run_id, question["id"], ANN)
    assert (await resume_loop(lab.kernel(), paused.run_id)).end.reason is EndReason.GOAL_MET
    assert len(lab.agent.requests) == 8


async def test_each_item_is_asked_about(lab: Any) -> None:
    """A for_each step asks a question for each of its items, and gathers when all are answered."""
    lab.agent = ScriptedAgent(agents={"worker": echo})
    spec = fan_out({"name": "ask", "for_each": "[1, 2, 3]"})
    paused = await run_loop(lab.kernel(), spec)
    assert [question["step"] for question in paused.questions] == ["ask[0]", "ask[1]", "ask[2]"]
    for question in paused.questions:
        await decide(lab.memory, paused.run_id, question["id"], ANN)
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert (ended.end.reason, ended.output) == (EndReason.GOAL_MET, ["ask[0]", "ask[1]", "ask[2]"])


async def test_a_failure_beside_a_question_ends_the_run(lab: Any) -> None:
    """A step that waits does not hold up the end of its run; nothing is left under way."""
    lab.agent = ScriptedAgent(steps={"ask": [1], "fails": [ValueError("no")]})
    ended = await run_loop(lab.kernel(), fan_out("ask", "fails", max_concurrency=1))
    assert ended.end.reason is EndReason.FAILED
    with pytest.raises(UsageError, match="has ended already: failed"):
        await decide(lab.memory, ended.run_id, ended.questions[0]["id"], ANN)


async def test_a_stop_is_heeded_when_all_wait(lab: Any) -> None:
    """A run that was told to stop ends as stopped, and does not pause for an answer."""

    async def stop(request: AgentRequest) -> str:
        await lab.memory.signal(request.run_id, {"type": "stop", "comment": "enough"})
        await asyncio.sleep(0.2)  # several polls
        return request.step

    lab.agent = ScriptedAgent(steps={"ask": [1], "works": [stop]})
    kernel = lab.kernel(poll_seconds=0.02)
    ended = await run_loop(kernel, fan_out("ask", "works"))
    assert (ended.end.reason, ended.end.detail) == (EndReason.STOPPED, "enough")


async def test_a_child_s_question_is_asked_by_its_parent(lab: Any) -> None:
    """An answer to the parent is written into the journals of both; a question that is gone counts as answered."""
    lab.agent = ScriptedAgent(agents={"worker": echo})
    child = await run_loop(lab.kernel(), fan_out("ask1", "ask2"), run_id="parent.child")
    runs: list[Any] = []

    async def pattern(run: Any) -> None:
        runs.append(run)
        await run.step("sub")

    async def drive_child(request: AgentRequest) -> str:
        while True:
            state = await resume_loop(lab.kernel(agents=ScriptedAgent()), child.run_id)
            await runs[-1].approvals.relay("sub", child.run_id, state.questions)
            if not state.questions:
                return state.end.reason.value

    lab.patterns["own"] = pattern
    spec = loop_spec("sub", pattern="own")
    parent_agent = ScriptedAgent(steps={"sub": drive_child})
    paused = await run_loop(lab.kernel(agents=parent_agent), spec, run_id="parent")
    assert paused.end.reason is EndReason.APPROVAL_REQUIRED
    assert [(q["kind"], q["run"], q["asks"]) for q in paused.questions] == [
        ("subloop", child.run_id, "gate"),
        ("subloop", child.run_id, "gate"),
    ]
    first, second = (question["id"] for question in paused.questions)
    assert (await decide(lab.memory, "parent", first, ANN)).ours
    for run_id in ("parent", child.run_id):
        fold = (await lab.load(run_id))[0]
        assert (list(fold.questions), fold.decisions[first]["by"]) == ([second], "ann@home")
    assert (await decide(lab.memory, child.run_id, second, ANN)).ours, "said to the child itself"
    ended = await resume_loop(lab.kernel(agents=parent_agent), "parent")
    assert (ended.end.reason, ended.output, ended.questions) == (EndReason.GOAL_MET, "goal_met", ())
    assert (await lab.load("parent"))[0].decisions[second]["decision"] == "answered"


async def test_an_answer_may_come_before_it_is_waited_for(lab: Any) -> None:
    """A resumed run keeps an answer for a step that has no place to go on yet; the step does not ask again."""
    go, began = asyncio.Event(), asyncio.Event()

    async def second(request: AgentRequest) -> str:
        await asked(lab, request.run_id)
        raise MissingRequirement("the program 'frob' is not there")

    async def third(request: AgentRequest) -> str:
        began.set()
        await go.wait()
        return request.step

    lab.agent = ScriptedAgent(steps={"works": [ConnectionError("down"), second, third], "ask": [1]})
    retry = {"initial_delay_seconds": 0.01, "max_retries": 1}
    spec = fan_out("works", "ask", max_concurrency=1, retry=retry)
    failed = await run_loop(lab.kernel(), spec)
    assert (failed.end.reason, failed.can_resume) == (EndReason.FAILED, True)
    (question,) = questions = [data["id"] for data in failed.questions]
    resumed = asyncio.create_task(resume_loop(lab.kernel(poll_seconds=0.02), failed.run_id))
    async with asyncio.timeout(20):
        await began.wait()
    await lab.memory.signal(failed.run_id, ANN.signal(question))
    await asyncio.sleep(0.2)  # several polls, while the other step has the only slot
    go.set()
    assert (await resumed).end.reason is EndReason.GOAL_MET
    events = await lab.events(failed.run_id)
    assert [event.data["id"] for event in events if event.type == "approval.request"] == questions
    assert [event.data["by"] for event in events if event.type == "approval.decision"] == ["ann@home"]


async def test_signals_that_answer_nothing_change_nothing(lab: Any) -> None:
    """An answer to another question, and one that does not say plainly what it means, are not heard."""
    lab.agent = ScriptedAgent(steps={"ask": [1], "works": [lambda _: go.wait()]})
    go = asyncio.Event()
    running = asyncio.create_task(
        run_loop(lab.kernel(poll_seconds=0.02), fan_out("ask", "works"), run_id="driven")
    )
    (question,) = await asked(lab, "driven")
    for signal in ({}, {"id": "other", "approved": True}, {"id": question, "approved": "yes"}, {"id": 7}):
        await lab.memory.signal("driven", {"type": "approval", **signal})
    await asyncio.sleep(0.2)  # several polls
    go.set()
    ended = await running
    assert ended.end.reason is EndReason.APPROVAL_REQUIRED
    assert "approval.decision" not in await lab.types("driven")
