"""Requests to models and calls of tools within an attempt: recorded one by one, added up, and never repeated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopengt.testing import resume_loop, run_loop
from loopengt_hookspecs.errors import AgentError, RateLimited
from loopengt_hookspecs.models import EndReason

from .calls_kit import CallingAgent, FakeModel, Tools, calling_spec, conversation, says, wants


def add(call: Any) -> int:
    """Add two numbers."""
    return int(call.arguments["a"] + call.arguments["b"])


def set_up(lab: Any, model: FakeModel, **functions: Any) -> Tools:
    """Give the laboratory an agent that talks to a model, and tools."""
    lab.agent = CallingAgent(agents={"worker": conversation(model)})
    tools = Tools(add=add, **functions)
    lab.tool_types["builtin"] = tools
    return tools


async def test_every_request_and_call_is_an_event(lab: Any) -> None:
    """The journal tells of each request to the model and each call of a tool, in order, with what came of it."""
    model = FakeModel(wants(("add", {"a": 1, "b": 2})), says("it is 3"))
    set_up(lab, model)
    result = await run_loop(lab.kernel(), calling_spec(["add"]))
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "it is 3")
    events = [
        event
        for event in await lab.events(result.run_id)
        if event.type.partition(".")[0] in ("model", "tool")
    ]
    assert [event.type for event in events] == [
        "tool.offer", "model.request", "model.response", "tool.call", "tool.result", "model.request", "model.response",
    ]  # fmt: skip
    offered, _, answered, called, returned, _, last = (event.data for event in events)
    assert [tool["name"] for tool in offered["tools"]] == ["add"]
    assert answered["response"]["tool_requests"][0]["name"] == "add"
    assert answered["response"]["state"] == {"signature": "s"}
    assert (called["tool"], called["input"], called["call_id"]) == ("add", {"a": 1, "b": 2}, "c0")
    assert (returned["output"], last["response"]["text"]) == (3, "it is 3")


async def test_tokens_of_all_requests_are_debited_once(lab: Any) -> None:
    """The attempt's response has the sum of its requests' tokens and costs, and so has the run."""
    model = FakeModel(wants(("add", {"a": 1, "b": 2}), tokens=10, cost=0.5), says("3", tokens=20, cost=0.25))
    set_up(lab, model)
    result = await run_loop(lab.kernel(), calling_spec(["add"]))
    (response,) = [event.data for event in await lab.events(result.run_id) if event.type == "agent.response"]
    assert response["token_usage"] == {"prompt_tokens": 30, "completion_tokens": 2}
    assert (response["cost_usd"], response["cost_source"]) == (0.75, "reported")
    assert (result.tokens, result.cost_usd, result.unknown_costs) == (32, 0.75, 0)


async def test_the_model_sees_what_went_wrong_with_a_tool(lab: Any) -> None:
    """An unknown tool, wrong arguments, an exception and a wrong result go back to the model as text."""

    def broken(call: Any) -> Any:
        raise ZeroDivisionError("by nothing")

    seen: list[str] = []

    def last(request: Any) -> Any:
        seen.extend(message.text for message in request.messages if message.role == "tool")
        assert all(message.is_error for message in request.messages if message.role == "tool")
        return says("done")

    wishes = [("sub", {}), ("add", {"a": "x"}), ("add", [1]), ("broken", {}), ("wrong", {})]
    model = FakeModel(wants(*wishes), last)
    tools = set_up(lab, model, broken=broken, wrong=lambda call: {"n": "one"})
    number = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
    returns = {"type": "object", "properties": {"n": {"type": "number"}}}
    spec = calling_spec({"add": {"schema_def": number}, "broken": {}, "wrong": {"return_schema": returns}})
    result = await run_loop(lab.kernel(), spec)
    assert result.output == "done"
    assert tools.names == ["broken", "wrong"]
    assert seen[0] == "there is no tool 'sub'; the tools are: add, broken, wrong"
    assert "$.a" in seen[1]
    assert "must be a JSON object" in seen[2]
    assert seen[3] == "the tool 'broken' failed: ZeroDivisionError: by nothing"
    assert "does not fit its schema" in seen[4]
    errors = [event.data for event in await lab.events(result.run_id) if event.type == "tool.error"]
    assert sorted(error["error"] for error in errors) == sorted(seen)


async def test_a_tool_has_its_own_time_limit(lab: Any) -> None:
    """A call that takes too long is ended and told to the model; the attempt goes on."""
    ended = asyncio.Event()

    async def hang(call: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    model = FakeModel(wants(("hang", {})), lambda request: says(request.messages[-1].text))
    set_up(lab, model, hang=hang)
    result = await run_loop(lab.kernel(), calling_spec({"hang": {"timeout_seconds": 0.05}}))
    assert result.output == "the tool 'hang' took longer than its 0.05 seconds"
    assert ended.is_set()


async def test_ten_calls_go_out_at_the_same_time(lab: Any) -> None:
    """Parallel calls are made together, and their results come back in the order asked for."""
    here = 0
    all_here = asyncio.Event()

    async def meet(call: Any) -> int:
        nonlocal here
        here += 1
        if here == 10:
            all_here.set()
        await all_here.wait()
        return int(call.arguments["n"])

    model = FakeModel(
        wants(*(("meet", {"n": number}) for number in range(10))),
        lambda request: says(
            ",".join(message.text for message in request.messages if message.role == "tool")
        ),
    )
    set_up(lab, model, meet=meet)
    result = await run_loop(lab.kernel(), calling_spec(["meet"]))
    assert result.output == ",".join(map(str, range(10)))


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
async def test_a_death_at_any_append_goes_on_at_the_open_call(
    lab: Any, dying: Any, killed: Any, durable: bool
) -> None:
    """For every n: what was recorded before a death at append n is neither asked nor called again, nor paid twice."""
    rounds = [wants(("add", {"a": number, "b": 1}), ("add", {"a": number, "b": 2})) for number in range(5)]
    model = FakeModel(*rounds, says("the end"))
    tools = set_up(lab, model)
    spec = calling_spec(["add"])
    whole = dying(lab.memory, at=10_000, durable=True)
    undisturbed = await run_loop(lab.kernel(storage=whole), spec)
    assert (len(model.sent), len(tools.calls)) == (6, 10)
    for at in range(1 if durable else 2, whole.appends + 1):
        storage = dying(lab.memory, at=at, durable=durable)
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(lab.kernel(storage=storage), spec, run_id=f"run-{at}")
        await storage.bury()
        recorded = await lab.events(f"run-{at}")
        model.sent.clear()
        tools.calls.clear()
        result = await resume_loop(lab.kernel(), f"run-{at}")
        assert (result.end, result.output, result.tokens) == (undisturbed.end, "the end", undisturbed.tokens)
        counts = [sum(event.type == kind for event in recorded) for kind in ("model.response", "tool.result")]
        assert (len(model.sent), len(tools.calls)) == (6 - counts[0], 10 - counts[1])
        events = await lab.events(f"run-{at}")
        assert sum(event.type == "model.response" for event in events) == 6


async def test_an_error_in_the_midst_is_tried_again_from_there(lab: Any) -> None:
    """A request that fails is another attempt, which goes on with the calls that are recorded."""
    failing = iter([ConnectionError("down"), ConnectionError("down still")])
    model = FakeModel(wants(("add", {"a": 1, "b": 2})), lambda request: next(failing, says("up")))
    tools = set_up(lab, model)
    result = await run_loop(lab.kernel(), calling_spec(["add"]))
    assert (result.output, len(tools.calls), len(model.sent)) == ("up", 1, 4)
    assert result.tokens == 22
    errors = [event.data for event in await lab.events(result.run_id) if event.type == "agent.error"]
    assert [error.get("token_usage", {}).get("prompt_tokens", 0) for error in errors] == [10, 0]


async def test_an_error_may_ask_to_start_over(lab: Any) -> None:
    """After an error with ``starts_over`` the next attempt makes all its calls anew, and hears of the failure."""
    wrong = AgentError("it makes no sense", kind="ConnectionError", starts_over=True)
    answers = iter([wrong, says("sense")])
    model = FakeModel(wants(("add", {"a": 1, "b": 2})), lambda request: next(answers))
    tools = set_up(lab, model)
    result = await run_loop(lab.kernel(), calling_spec(["add"]))
    assert (result.output, len(tools.calls), len(model.sent)) == ("sense", 2, 4)
    assert "it makes no sense" in model.sent[-1].messages[0].text


async def test_a_rate_limit_in_the_midst_is_waited_out(lab: Any) -> None:
    """Waiting for a rate limit is no attempt, and nothing before it is done again."""
    answers = iter([RateLimited("slow down", retry_after=0.01), says("fine")])
    model = FakeModel(wants(("add", {"a": 1, "b": 2})), lambda request: next(answers))
    tools = set_up(lab, model)
    result = await run_loop(lab.kernel(), calling_spec(["add"]))
    assert (result.output, len(tools.calls), len(model.sent)) == ("fine", 1, 3)
    assert [
        event.data["attempt"] for event in await lab.events(result.run_id) if event.type == "agent.response"
    ] == [1]


async def test_a_budget_ends_an_endless_tool_loop(lab: Any) -> None:
    """No further request goes out once the tokens are used, and ``add_budget`` goes on at the open one."""
    rounds = [wants(("add", {"a": 1, "b": number})) for number in range(20)]
    model = FakeModel(*rounds, says("at last"))
    tools = set_up(lab, model)
    spec = calling_spec(["add"], policy={"budget": {"max_tokens": 50}})
    result = await run_loop(lab.kernel(), spec)
    assert (result.end.reason, len(model.sent)) == (EndReason.EXHAUSTED, 5)
    assert "55 of 50 tokens" in result.end.detail
    assert result.tokens == 55
    more = await resume_loop(lab.kernel(), result.run_id, add_budget={"tokens": 1000})
    assert (more.end.reason, more.output, more.tokens) == (EndReason.GOAL_MET, "at last", 21 * 11)
    assert (len(model.sent), len(tools.calls)) == (21, 20)


async def test_a_call_that_differs_is_made_anew(lab: Any) -> None:
    """Where the agent asks for something else than is recorded, it is made, and so is all behind it."""
    dying_model = FakeModel(wants(("add", {"a": 1, "b": 2})), AgentError("stop here", kind="Unheard"))
    set_up(lab, dying_model)
    spec = calling_spec(["add"])

    async def other(request: Any) -> str:
        outcome = await request.calls.tool("add", {"a": 5, "b": 5})
        return outcome.text()

    first = asyncio.Event()

    async def hang(request: Any) -> str:
        await request.calls.tool("add", {"a": 1, "b": 2})
        first.set()
        await asyncio.Event().wait()
        return ""

    lab.agent = CallingAgent(agents={"worker": hang})
    kernel = lab.kernel()
    running = asyncio.create_task(run_loop(kernel, spec, run_id="r"))
    await first.wait()
    kernel.engine().interrupt()
    assert (await running).end.reason is EndReason.INTERRUPTED
    lab.agent = CallingAgent(agents={"worker": other})
    assert (await resume_loop(lab.kernel(), "r")).output == "10"


async def test_tools_are_let_go_when_the_run_rests(lab: Any) -> None:
    """What tools have open for the workspace is released once, at the end of the run."""
    tools = set_up(lab, FakeModel(says("hello")))
    result = await run_loop(lab.kernel(), calling_spec(["add"]))
    assert tools.released == [result.workspace]


async def test_an_agent_that_calls_no_tools_is_refused(lab: Any) -> None:
    """Tools given to an agent that does not call them would be ignored: the loop is refused, naming both."""
    lab.tool_types["builtin"] = Tools(add=add)
    with pytest.raises(Exception, match="gives the tools add to agent 'worker'"):
        await run_loop(lab.kernel(), calling_spec(["add"]))


async def test_a_step_narrows_the_tools_of_its_agent(lab: Any) -> None:
    """A step with tools offers those that its agent may call, too."""
    model = FakeModel(lambda request: says(",".join(offer.name for offer in request.tools)))
    set_up(lab, model, other=add)
    spec = calling_spec(["add", "other"])
    spec["steps"][0]["tools"] = ["other"]
    assert (await run_loop(lab.kernel(), spec)).output == "other"


async def test_the_agents_last_session_is_handed_over(lab: Any) -> None:
    """A step with ``session: continue`` sees the metadata of the agent's last reply; a fresh one does not."""
    from loopengt.testing import loop_spec
    from loopengt_hookspecs.agents import AgentReply

    lab.agent = CallingAgent(AgentReply("one", metadata={"session_id": "s-1"}), "two", "three")
    spec = loop_spec("first", {"name": "second", "session": "continue"}, "third")
    await run_loop(lab.kernel(), spec)
    sessions = [request.session for request in lab.agent.requests]
    assert sessions == [None, {"session_id": "s-1"}, None]
