"""What a spec declares of models, tools, MCP servers, memory and contexts, at work from end to end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt.testing import loop_spec
from loopengt.testing.fake_http import FakeHttp

from .enforcement_desk import PRICE, Desk

SECRET = "s3cr3t-of-the-tool"


# -- models -------------------------------------------------------------------------------------------------------


async def test_what_is_declared_of_a_model_is_sent(desk: Desk) -> None:
    """Model, temperature and the most tokens are in the request; a temperature that nobody declares is not."""
    declared = desk.agent(config={"model": "m2", "temperature": 0.25, "max_tokens": 321})
    await desk.run(loop_spec(agents=[declared]), "fine")
    await desk.run(loop_spec(agents=[desk.agent()]), "fine")
    first, second = desk.bodies
    assert (first["model"], first["temperature"]) == ("m2", 0.25)
    assert 321 in (first.get("max_tokens"), first.get("max_completion_tokens"))
    assert "temperature" not in second and second["model"] == "m1"


async def test_an_answer_that_max_tokens_has_cut_off_is_no_answer(desk: Desk) -> None:
    """A part of an answer fails the attempt, and says which limit has cut it."""
    spec = loop_spec(agents=[desk.agent(config={"max_tokens": 3})], policy={"retry": {"max_retries": 0}})
    result = await desk.run(spec, {"text": "half of", "finish_reason": "length"})
    assert result.end.reason == "failed"
    assert "was cut off after 3 tokens" in result.end.detail


# -- tools --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agents", "steps", "offered"),
    [
        (["price", "read_file"], [], {"price", "read_file"}),
        ([], ["price"], {"price"}),
        (["price", "read_file"], ["read_file"], {"read_file"}),
        ([], [], set()),
    ],
    ids=["agent", "step", "both", "nobody"],
)
async def test_only_tools_that_are_given_are_offered(
    desk: Desk, agents: list[str], steps: list[str], offered: set[str]
) -> None:
    """The tools of agent and step are allow-lists; one that is not on them cannot be called either."""
    spec = loop_spec(
        {"name": "work", "tools": steps},
        agents=[desk.agent(tools=agents)],
        tools=[PRICE, {"name": "read_file", "tool_type": "builtin"}],
    )
    await desk.run(spec, "done")
    assert desk.offered().keys() == offered
    if "price" not in offered:
        await desk.run(spec, {"tool_calls": [{"name": "price", "arguments": {"item": "tea"}}]}, "done")
        assert "there is no tool 'price'" in desk.told
        assert desk.called == []


@pytest.mark.slow
async def test_each_type_of_tool_is_called(desk: Desk) -> None:
    """A builtin, a function and what an MCP server has are offered as declared, and do what they are called for."""
    (desk.project / "note.txt").write_text("mind the gap")
    tools = [
        {"name": "read_file", "tool_type": "builtin", "options": {"max_output_bytes": 2_000}},
        {"name": "price", "description": "Ask the shop.", "function_ref": "my_tools:price"},
        {"name": "about", "tool_type": "mcp", "mcp_server": "where", "metadata": {"owner": "me"}},
    ]
    calls = [("read_file", {"path": "note.txt"}), ("price", {"item": "tea"}), ("about", {})]
    spec = loop_spec(
        agents=[desk.agent(tools=[tool["name"] for tool in tools])],
        tools=tools,
        mcp_servers={"where": desk.program()},
    )
    asked = {"tool_calls": [{"name": name, "arguments": given} for name, given in calls]}
    result = await desk.run(spec, asked, "done")
    assert result.end.reason == "goal_met", result.end
    read, priced, about = (each["content"] for each in desk.bodies[-1]["messages"] if each["role"] == "tool")
    assert "mind the gap" in read
    assert json.loads(priced)["usd"] == 5
    assert json.loads(about)["cwd"] == str(desk.project)
    assert desk.offered()["price"]["description"] == "Ask the shop."
    sources = {event["tool"]: (event["tool_type"], event["source"]) for event in desk.data("tool.result")}
    assert sources == {
        "read_file": ("builtin", "builtin"),
        "price": ("function", "my_tools:price"),
        "about": ("mcp", "mcp:where"),
    }


async def test_the_schemas_of_a_tool_are_enforced(desk: Desk) -> None:
    """Arguments that do not fit never reach the function, and a result that does not never reaches the model."""
    schema = {"type": "object", "properties": {"item": {"enum": ["tea"]}}, "required": ["item"]}
    await desk.call({**PRICE, "schema_def": schema}, {"item": "gold"})
    assert "do not fit its schema" in desk.told
    assert desk.offered()["price"]["parameters"]["properties"] == schema["properties"]
    assert desk.called == []
    await desk.call({**PRICE, "return_schema": {"required": ["eur"]}}, {"item": "tea"})
    assert "returned does not fit its schema" in desk.told
    assert desk.called == ["tea"]
    assert len(desk.data("tool.error")) == 2


async def test_a_call_that_takes_longer_than_its_tool_may_is_ended(desk: Desk) -> None:
    """The model reads which limit it was, and the run goes on."""
    tool = {"name": "slow", "function_ref": "my_tools:slow", "timeout_seconds": 0.2}
    result = await desk.call(tool, {})
    assert "took longer than its 0.2 seconds" in desk.told
    assert result.end.reason == "goal_met"


async def test_a_tool_that_needs_approval_waits_for_it(desk: Desk) -> None:
    """The run pauses before the call, which has not been made."""
    result = await desk.call({**PRICE, "require_approval": True}, {"item": "tea"})
    assert result.end.reason == "approval_required"
    assert desk.called == []


async def test_a_function_gets_the_secret_that_its_auth_names(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value of the variable arrives; it is in no event, and without it the tool says what is missing."""
    monkeypatch.setenv("SHOP_KEY", SECRET)
    tool = {**PRICE, "auth": {"method": "api_key", "env_var": "SHOP_KEY"}}
    await desk.call(tool, {"item": "tea"})
    assert json.loads(desk.told)["key"] == "[redacted]"
    assert SECRET not in str([event.data for event in desk.seen.events])
    monkeypatch.delenv("SHOP_KEY")
    await desk.call(tool, {"item": "milk"})
    assert "needs the environment variable SHOP_KEY" in desk.told
    assert desk.called == ["tea"]


# -- MCP servers --------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_program_is_started_as_its_server_declares(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command, arguments, folder and variables are the declared ones; a key that nobody hands over stays here."""
    monkeypatch.setenv("HANDED_OVER", "by us")
    monkeypatch.setenv("KEPT_API_KEY", SECRET)
    (desk.project / "inside").mkdir()
    server = desk.program(
        args=["{workspace}/x", "{item}"], env={"SAID": "in the spec"}, pass_env=["HANDED_OVER"], cwd="inside"
    )
    tool = {"name": "t", "tool_type": "mcp", "mcp_server": "where", "mcp_tools": ["about"]}
    await desk.call(tool, {}, offers="t_about", mcp_servers={"where": server})
    found = json.loads(desk.told)
    assert found.pop("pid")
    assert found == {
        "SAID": "in the spec",
        "HANDED_OVER": "by us",
        "KEPT_API_KEY": "",
        "cwd": str(desk.project / "inside"),
        "argv": [f"{desk.project}/x", "{item}"],
    }
    assert desk.offered().keys() == {"t_about"}


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"method": "bearer"}, "authorization", f"Bearer {SECRET}"),
        ({"method": "oauth"}, "authorization", f"Bearer {SECRET}"),
        ({"method": "api_key", "header_name": "X-Key"}, "x-key", SECRET),
    ],
    ids=["bearer", "oauth", "api_key"],
)
@pytest.mark.parametrize("whose", ["server", "tool"])
async def test_an_address_is_sent_what_its_auth_declares(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, auth: dict[str, Any], header: str, value: str, whose: str
) -> None:
    """The secret is in the declared header, with the tool's auth before the server's, and in no event."""
    monkeypatch.setenv("SHOP_KEY", SECRET)
    monkeypatch.setenv("FLOOR", "third")
    door = FakeHttp(lambda exchange: exchange.send_json(401, {"error": f"not with {SECRET}"}))
    declared = {"auth": {**auth, "env_var": "SHOP_KEY"}}
    server = {"url": f"{door.url}/mcp", "headers_env": {"X-Floor": "FLOOR"}}
    tool = {"name": "about", "tool_type": "mcp", "mcp_server": "shop"}
    given = {
        **server,
        **(declared if whose == "server" else {"auth": {"method": "bearer", "env_var": "FLOOR"}}),
    }
    result = await desk.call(
        {**tool, **(declared if whose == "tool" else {})}, {}, mcp_servers={"shop": given}
    )
    sent = door.requests[0]
    door.close()
    assert (sent.path, sent.headers[header], sent.headers["x-floor"]) == ("/mcp", value, "third")
    assert result.end.reason == "failed" and "HTTP status 401" in result.end.detail
    assert SECRET not in str([event.data for event in desk.seen.events])


# -- memory and contexts ------------------------------------------------------------------------------------------


def remembering(desk: Desk, read: dict[str, Any], write: dict[str, Any]) -> dict[str, Any]:
    """A loop with a step that reads and one that writes."""
    return loop_spec(
        {"name": "recall", "prompt_template": "Known: {memory}", "memory": {"read": read}},
        {"name": "note", "prompt_template": "Note it.", "memory": {"write": write}},
        agents=[desk.agent()],
        context={"what": "port"},
    )


@pytest.mark.parametrize(
    ("scope", "name", "found"),
    [
        ("run", "demo", False),
        ("loop", "demo", True),
        ("loop", "another", False),
        ("project", "another", True),
    ],
)
async def test_what_is_written_is_read_in_its_scope(desk: Desk, scope: str, name: str, found: bool) -> None:
    """What one run has put into the database, under its template, is in the prompt of the next that may see it."""
    spec = remembering(
        desk,
        {"query": "which {what}?", "scope": scope},
        {"content": "The {what} is {output}.", "scope": scope},
    )
    await desk.run(spec, "-", "8765")
    await desk.run({**spec, "name": name}, "-", "-")
    asked = desk.bodies[2]["messages"][-1]["content"]
    assert asked == ("Known: - The port is 8765." if found else "Known: ")
    assert list(desk.project.glob(".loopengt/*.db"))


@pytest.mark.parametrize(
    ("read", "found"),
    [
        ({"query": "ports"}, {"ports are numbers", "ports and ships"}),
        ({"query": "ports", "top_k": 1}, 1),
        ({"query": "ports", "metadata_filter": {"about": "sea"}}, {"ports and ships"}),
        ({"query": "nothing of it", "mode": "keyword"}, set()),
        ({"top_k": 2}, {"tea is green", "ports and ships"}),
    ],
    ids=["query", "top_k", "metadata_filter", "keyword", "without query"],
)
async def test_what_is_read_from_memory(desk: Desk, read: dict[str, Any], found: set[str] | int) -> None:
    """Query, number and filter decide; without a query it is what was written last."""
    for text, about in (("ports are numbers", "net"), ("ports and ships", "sea"), ("tea is green", "tea")):
        write = {"content": text, "scope": "project", "metadata": {"about": about}}
        await desk.run(loop_spec({"name": "note", "memory": {"write": write}}, agents=[desk.agent()]), "-")
    step = {"name": "recall", "prompt_template": "{memory}", "memory": {"read": {"scope": "project", **read}}}
    await desk.run(loop_spec(step, agents=[desk.agent()]), "-")
    (event,) = desk.data("memory.read")
    contents = {entry["content"] for entry in event["entries"]}
    assert (len(contents) if isinstance(found, int) else contents) == found
    assert all(text in desk.prompt for text in contents)


@pytest.mark.parametrize(("mode", "found"), [("keyword", 1), ("vector", 2), ("hybrid", 2)])
async def test_the_mode_says_how_entries_are_found(desk: Desk, mode: str, found: int) -> None:
    """By words only what has them is found; by nearness all the rest too, the nearest first."""
    options = {"openai": {"base_url": desk.server.url, "api_key_env": ""}}
    desk.config = {"memory": {"embedder": "openai"}, "plugins": {"memory": options}}
    for text in ("tea is green", "ports are numbers"):
        step = {"name": "note", "memory": {"write": {"content": text}}}
        await desk.run(loop_spec(step, agents=[desk.agent()]), "-")
    step = {"name": "recall", "memory": {"read": {"query": "ports", "mode": mode}}}
    await desk.run(loop_spec(step, agents=[desk.agent()]), "-")
    (event,) = desk.data("memory.read")
    contents = [entry["content"] for entry in event["entries"]]
    assert (len(contents), contents[0]) == (found, "ports are numbers")


@pytest.mark.parametrize(("output", "kept"), [("good", ["good"]), ("bad", [])])
async def test_a_condition_keeps_what_is_worth_it(desk: Desk, output: str, kept: list[str]) -> None:
    """What does not satisfy the condition is not remembered."""
    step = {"name": "note", "memory": {"write": {"condition": "output == 'good'"}}}
    await desk.run(loop_spec(step, agents=[desk.agent()]), output)
    assert [event["content"] for event in desk.data("memory.write")] == kept


@pytest.mark.slow
@pytest.mark.parametrize("summarizer", ["extractive", "short"])
async def test_a_context_is_brought_under_its_limit(desk: Desk, summarizer: str) -> None:
    """What the prompt takes from a step before is summarized, by the engine or by the agent that is named."""
    filler = " ".join(f"Line {number} of the log says that all is well." for number in range(200))
    use = {
        "name": "use",
        "prompt_template": "Log: {steps.read.output}",
        "context_tokens": 60,
        "summarizer": summarizer,
    }
    # An agent is asked for a summary of each part, and nobody knows here how many those are.
    agents = [desk.agent(), desk.agent("short", system_prompt="Be short.")]
    answers = ["It broke in seven."] * (20 if summarizer == "short" else 0)
    await desk.run(loop_spec("read", use, agents=agents), f"It began. {filler} It broke.", *answers, "done")
    prompts = [body["messages"][-1]["content"] for body in desk.bodies]
    by_agent = [body for body in desk.bodies if body["messages"][0]["content"] == "Be short."]
    assert bool(by_agent) == (summarizer == "short")
    (last,) = [prompt for prompt in prompts if prompt.startswith("Log: ")]
    expected = "Log: It broke in seven." if summarizer == "short" else "Log: It began."
    assert last.startswith(expected)
    assert len(last) < 600 < len(filler)
