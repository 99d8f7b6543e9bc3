"""People in the midst of an attempt: tools that need approval, calls that may be made once, questions of agents."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.approvals import Answer, decide
from loopengt.testing import resume_loop, run_loop
from loopengt_hookspecs.calls import PersonQuestion
from loopengt_hookspecs.models import EndReason

from .calls_kit import ONCE, CallingAgent, FakeModel, Tools, calling_spec, conversation, says, wants

ASK = {"require_approval": True}


def set_up(lab: Any, model: FakeModel, **functions: Any) -> Tools:
    """Give the laboratory an agent that talks to a model, and tools."""
    lab.agent = CallingAgent(agents={"worker": conversation(model)})
    tools = Tools(send=lambda call: "sent", look=lambda call: "seen", **functions)
    lab.tool_types["builtin"] = tools
    return tools


def told(request: Any) -> Any:
    """Say what the tools have said."""
    return says(" | ".join(message.text for message in request.messages if message.role == "tool"))


async def answer(lab: Any, result: Any, index: int = 0, approved: bool = True, comment: str = "") -> None:
    """Answer a question as another process would."""
    question = str(result.questions[index]["id"])
    await decide(lab.memory, result.run_id, question, Answer(approved, "ann@home", comment))


async def test_a_tool_waits_for_approval(lab: Any) -> None:
    """The run pauses with the call in its question; approved, the call is made, and the model is not asked again."""
    model = FakeModel(wants(("send", {"to": "bob"})), told)
    tools = set_up(lab, model)
    paused = await run_loop(lab.kernel(), calling_spec({"send": ASK}))
    assert (paused.end.reason, tools.calls) == (EndReason.APPROVAL_REQUIRED, [])
    (question,) = paused.questions
    assert (question["kind"], question["tool"], question["input"]) == ("tool", "send", {"to": "bob"})
    await answer(lab, paused)
    result = await resume_loop(lab.kernel(), paused.run_id)
    assert (result.output, tools.names, len(model.sent)) == ("sent", ["send"], 2)


async def test_a_refused_call_is_told_to_the_model(lab: Any) -> None:
    """Rejected, the call is not made, and the model reads who says so and why."""
    model = FakeModel(wants(("send", {})), told)
    tools = set_up(lab, model)
    paused = await run_loop(lab.kernel(), calling_spec({"send": ASK}))
    await answer(lab, paused, approved=False, comment="not on a Friday")
    result = await resume_loop(lab.kernel(), paused.run_id)
    assert result.output == "ann@home did not approve the call: not on a Friday"
    assert tools.calls == []


async def test_all_parallel_calls_are_asked_about_at_once(lab: Any) -> None:
    """Calls that need no approval are made first; then one pause asks about all the others."""
    model = FakeModel(wants(("send", {"n": 1}), ("look", {}), ("send", {"n": 2})), told)
    tools = set_up(lab, model)
    paused = await run_loop(lab.kernel(), calling_spec({"send": ASK, "look": {}}))
    assert [question["input"] for question in paused.questions] == [{"n": 1}, {"n": 2}]
    assert tools.names == ["look"]
    await answer(lab, paused, 0)
    await answer(lab, paused, 1, approved=False)
    result = await resume_loop(lab.kernel(), paused.run_id)
    assert result.output == "sent | seen | ann@home did not approve the call"
    assert tools.names == ["look", "send"]


async def test_a_call_that_may_be_made_once_is_asked_about_after_a_death(
    lab: Any, dying: Any, killed: Any
) -> None:
    """A call with ``effects: once`` that was under way is never repeated unasked, at whatever append the run dies."""
    model = FakeModel(wants(("send", {})), told)
    tools = set_up(lab, model)
    spec = calling_spec({"send": {"effects": ONCE}})
    asked = 0
    for at in range(2, 8):
        storage = dying(lab.memory, at=at, durable=True)
        tools.calls.clear()
        run_id = f"run-{at}"
        try:
            await run_loop(lab.kernel(storage=storage), spec, run_id=run_id)
        except (killed, BaseExceptionGroup):
            await storage.bury()
        result = await resume_loop(lab.kernel(), run_id)
        if result.end.reason is EndReason.APPROVAL_REQUIRED:
            asked += 1
            assert tools.names in ([], ["send"])
            before = len(tools.calls)
            await answer(lab, result, approved=False)
            result = await resume_loop(lab.kernel(), run_id)
            assert "it may or may not have been done" in result.output
            assert len(tools.calls) == before
        else:
            assert result.output == "sent"
            assert tools.names == ["send"]
    assert asked == 1


async def test_an_agent_asks_a_person(lab: Any) -> None:
    """A question pauses the run; the answer, given later, is what the agent gets."""

    async def curious(request: Any) -> str:
        said = await request.calls.ask(PersonQuestion("Which colour?", choices=("red", "blue")))
        return f"{said.text} by {said.by}, declined: {said.declined}"

    lab.agent = CallingAgent(agents={"worker": curious})
    paused = await run_loop(lab.kernel(), calling_spec())
    (question,) = paused.questions
    assert (question["kind"], question["question"], question["choices"]) == (
        "input",
        "Which colour?",
        ["red", "blue"],
    )
    await answer(lab, paused, comment="blue")
    assert (await resume_loop(lab.kernel(), paused.run_id)).output == "blue by ann@home, declined: False"


@pytest.mark.parametrize("caught", [False, True], ids=["passed on", "caught"])
async def test_a_tool_asks_a_person(lab: Any, caught: bool) -> None:
    """A tool may ask in the midst of its call, which begins anew after the pause, whether it catches that or not."""
    asked: list[str] = []

    async def curious(call: Any) -> str:
        asked.append(call.idempotency_key)
        try:
            return str((await call.ask(PersonQuestion("Sure?"))).text)
        except Exception:
            if caught:
                return "nobody there"
            raise

    model = FakeModel(wants(("curious", {})), told)
    set_up(lab, model, curious=curious)
    paused = await run_loop(lab.kernel(), calling_spec({"curious": {"timeout_seconds": 5}}))
    assert paused.end.reason is EndReason.APPROVAL_REQUIRED
    await answer(lab, paused, comment="quite")
    assert (await resume_loop(lab.kernel(), paused.run_id)).output == "quite"
    assert len(asked) == 2
    assert len(set(asked)) == 1
