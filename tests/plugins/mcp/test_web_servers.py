"""Servers over HTTP: killed and restarted, locked, absent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopengt.redaction import process_redactor
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.tools import ToolError

pytestmark = pytest.mark.slow

KEY = "open-sesame-4711"


async def test_a_restarted_server_is_found_again(bench: Any, web: Any) -> None:
    """A server that was killed in the midst of a call loses that call only; restarted, it serves the next."""
    web.start()
    bench.servers["web"] = {"url": web.url}
    tool = bench.tool("web")
    first = await tool.call("t_pid")
    task = asyncio.create_task(tool.call("t_slow", seconds=30))
    done, _ = await asyncio.wait({task}, timeout=1.0)
    assert not done
    web.kill()
    with pytest.raises(ToolError, match="may or may not have been done") as caught:
        await task
    assert caught.value.kind == "ConnectionError"
    with pytest.raises(ToolError, match="cannot connect to the MCP server 'web'"):
        await tool.call("t_pid")
    web.start()
    assert await tool.call("t_pid") != first


async def test_a_forgotten_session_is_begun_anew(bench: Any, web: Any) -> None:
    """A server of before 2026 that was restarted between two calls refuses the old session, and nobody notices."""
    web.environ["OLD"] = "1"
    web.start()
    bench.servers["web"] = {"url": web.url}
    tool = bench.tool("web")
    first = await tool.call("t_pid")
    web.kill()
    web.start()
    assert await tool.call("t_pid") != first


async def test_resources_and_prompts_are_tools(bench: Any, web: Any) -> None:
    """With all tools of a server come those that list and read its resources and prompts."""
    web.start()
    bench.servers["web"] = {"url": web.url}
    tool = bench.tool("web")
    offers = await tool.offers()
    assert {"t_list_resources", "t_read_resource", "t_list_prompts", "t_get_prompt"} < offers.keys()
    (note,) = await tool.call("t_list_resources")
    assert note["uri"] == "note://one"
    assert await tool.call("t_read_resource", uri="note://one") == "first note"
    (prompt,) = await tool.call("t_list_prompts")
    assert prompt["arguments"] == [{"name": "name", "required": True}]
    (message,) = await tool.call("t_get_prompt", name="greet", arguments={"name": "Ann"})
    assert message == {"role": "user", "content": "Say hello to Ann."}
    with pytest.raises(ToolError, match="the MCP server 'web' refuses"):
        await tool.call("t_read_resource", uri="note://two")


@pytest.mark.parametrize(
    "access",
    [
        {"auth": {"method": "bearer", "env_var": "DOOR"}},
        {"auth": {"method": "oauth", "env_var": "DOOR"}},
        {"auth": {"method": "api_key", "env_var": "WHOLE_DOOR"}},
        {"headers_env": {"Authorization": "WHOLE_DOOR"}},
    ],
)
async def test_keys_come_from_the_environment(
    bench: Any, web: Any, monkeypatch: pytest.MonkeyPatch, access: dict[str, Any]
) -> None:
    """Each way to name a key opens the door, and the key is kept out of logs and journal from then on."""
    web.environ["DOOR_KEY"] = KEY
    web.start()
    monkeypatch.setenv("DOOR", KEY)
    monkeypatch.setenv("WHOLE_DOOR", f"Bearer {KEY}")
    bench.servers["web"] = {"url": web.url, **access}
    assert "t_pid" in await bench.tool("web").offers()
    assert KEY not in process_redactor().text(f"Authorization: Bearer {KEY}")


async def test_a_wrong_key_is_told_without_the_key(
    bench: Any, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that echoes the key it refuses does not get it into the error, which is not retried."""
    web.environ["DOOR_KEY"] = KEY
    web.start()
    monkeypatch.setenv("DOOR", "wrong-key-0815")
    bench.servers["web"] = {"url": web.url, "auth": {"method": "bearer", "env_var": "DOOR"}}
    with pytest.raises(AgentError, match="HTTP status 401") as caught:
        await bench.tool("web").offers()
    assert caught.value.kind == "Unauthorized"
    assert "wrong-key-0815" not in str(caught.value)


async def test_a_tool_brings_its_own_key(bench: Any, web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The auth of a tool in a spec is that of its requests."""
    web.environ["DOOR_KEY"] = KEY
    web.start()
    monkeypatch.setenv("DOOR", KEY)
    bench.servers["web"] = {"url": web.url}
    tool = bench.tool("web", auth={"method": "bearer", "env_var": "DOOR"})
    assert "t_pid" in await tool.offers()


async def test_a_key_that_is_not_set_is_named(bench: Any) -> None:
    """A missing key is told before anything is sent."""
    bench.servers["web"] = {"url": "http://127.0.0.1:9/mcp", "headers_env": {"X-Key": "NOT_SET_ANYWHERE"}}
    tool = bench.tool("web")
    (missing,) = tool.bound.missing()
    assert missing.remedy == "export NOT_SET_ANYWHERE=..."
    with pytest.raises(MissingRequirement, match="NOT_SET_ANYWHERE"):
        await tool.offers()


async def test_two_workspaces_share_an_address(bench: Any, web: Any) -> None:
    """Runs in different workspaces use one connection, which is closed after the last of them."""
    web.start()
    bench.servers["web"] = {"url": web.url}
    (bench.project / "a").mkdir()
    one, two = bench.tool("web", workspace=bench.project / "a"), bench.tool("web")
    await one.offers()
    await two.offers()
    pool = bench._type.pool  # the count of connections shows nowhere else
    (held,) = pool._held[asyncio.get_running_loop()].values()
    await one.release()
    assert (await held.peer.connection()).open
    await two.release()
    assert not pool._held[asyncio.get_running_loop()]
