"""How servers are declared, in the project and in a spec, and what their programs are given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loopengt import ConfigError, UsageError
from loopengt.testing import make_kernel
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import Effects, McpServer

BAD = [sys.executable, "-S", str(Path(__file__).parent / "bad_server.py")]


def test_an_unknown_server_is_refused_with_the_nearest(bench: Any) -> None:
    """A tool that names a server which nobody declares is refused before the run begins."""
    bench.servers["github"] = {"command": "github-mcp"}
    with pytest.raises(
        UsageError, match=r"tool 't' names the MCP server 'gihub'.*nearest is 'github'"
    ) as caught:
        bench.tool("gihub")
    assert "[mcp.servers.gihub]" in caught.value.remedy


async def test_a_spec_brings_its_own_server(bench: Any) -> None:
    """A server in the spec is used, also in place of one of the same name in the project's config."""
    bench.servers["bad"] = {"command": "never-started"}
    tool = bench.tool("bad", spec={"mcp_servers": {"bad": {"command": BAD}}})
    assert await tool.call("t_echo", text="mine") == "mine"


async def test_one_tool_under_its_own_name(bench: Any) -> None:
    """Without mcp_tools the tool of that name is offered, with what the spec says of it."""
    bench.servers["bad"] = {"command": BAD}
    schema = {"type": "object", "required": ["text"]}
    tool = bench.tool(
        "bad", name="echo", mcp_tools=[], schema_def=schema, description="Say it.", effects="once"
    )
    (offer,) = (await tool.offers()).values()
    assert (offer.name, offer.description, offer.input_schema) == ("echo", "Say it.", schema)
    assert (offer.effects, offer.source) == (Effects.ONCE, "mcp:bad")
    assert await tool.call("echo", text="hi") == "hi"


async def test_only_allowed_tools_are_offered(bench: Any) -> None:
    """A list of tools is an allow-list: no other can be called."""
    tool = bench.bad(mcp_tools=["echo", "pid"])
    assert (await tool.offers()).keys() == {"t_echo", "t_pid"}
    with pytest.raises(AgentError, match="offers no t_wipe"):
        await tool.call("t_wipe")


async def test_effects_follow_what_the_server_says(bench: Any) -> None:
    """A tool that reads has no effects, one that destroys may happen once, any other may be repeated."""
    offers = await bench.bad().offers()
    found = {name: offers[name].effects for name in ("t_echo", "t_die_once", "t_wipe", "t_die")}
    assert found == {
        "t_echo": Effects.NONE,
        "t_die_once": Effects.IDEMPOTENT,
        "t_wipe": Effects.ONCE,
        "t_die": Effects.IDEMPOTENT,
    }


async def test_a_tool_that_is_not_there_is_an_error(bench: Any) -> None:
    """A declared tool that the server does not have is no silent gap."""
    with pytest.raises(AgentError, match="has no tool 'ecko', the nearest is 'echo'") as caught:
        await bench.bad(mcp_tools=["ecko"]).offers()
    assert caught.value.kind == "ToolNotFound"


async def test_names_are_fit_for_every_model(bench: Any) -> None:
    """A long name is shortened to what providers take, and still leads to its tool."""
    tool = bench.bad(name="n" * 62, mcp_tools=["echo", "pid"])
    offers = await tool.offers()
    assert all(len(name) == 64 for name in offers) and len(offers) == 2
    assert "done" in [await tool.call(name) for name in offers]


async def test_placeholders_and_environment(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is given its folders, the declared and the passed variables, and none of our keys."""
    monkeypatch.setenv("PASSED", "handed over")
    monkeypatch.setenv("OTHER_API_KEY", "stays here")
    workspace = bench.project / "{project}"
    workspace.mkdir()
    bench.servers["bad"] = {
        "command": BAD,
        "args": ["", "{workspace}", "{project}/x", "{other}", "{{workspace}}"],
        "env": {"PLACE": "{workspace}"},
        "pass_env": ["PASSED"],
    }
    found = json.loads(await bench.tool("bad", workspace=workspace).call("t_environment"))
    inside = str(workspace)
    assert found["argv"][1:] == [inside, f"{bench.project}/x", "{other}", f"{{{inside}}}"]
    assert found["cwd"] == inside
    assert found["env"]["PLACE"] == inside and found["env"]["PASSED"] == "handed over"
    assert "OTHER_API_KEY" not in found["env"]


async def test_each_workspace_has_its_own_program(bench: Any) -> None:
    """A program serves one workspace, unless it is shared."""
    (bench.project / "a").mkdir()
    bench.servers |= {"bad": {"command": BAD}, "one": {"command": BAD, "scope": "shared"}}
    pids = {
        (server, str(place)): await bench.tool(server, workspace=place).call("t_pid")
        for server in ("bad", "one")
        for place in (bench.project, bench.project / "a")
    }
    assert len(set(pids.values())) == 3
    assert pids["one", str(bench.project)] == pids["one", str(bench.project / "a")]


async def test_what_is_missing_is_named(bench: Any) -> None:
    """A program or a variable that is not there is told before the run, with the remedy."""
    bench.servers["gone"] = {"command": "no-such-mcp-server", "pass_env": ["NOT_SET_ANYWHERE"]}
    tool = bench.tool("gone")
    assert [missing.remedy.split()[0] for missing in tool.bound.missing()] == ["export", "Install"]
    with pytest.raises(MissingRequirement, match="NOT_SET_ANYWHERE"):
        await tool.offers()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({}, "either a command or a url"),
        ({"command": "x", "url": "http://a/mcp"}, "either a command or a url"),
        ({"command": []}, "the command is empty"),
        ({"url": "ftp://a/mcp"}, "not an http address"),
        ({"url": "https://ann:hidden@a/mcp"}, "name or password"),
        ({"url": "http://a/mcp", "args": ["x"]}, "go with a command"),
        ({"command": "x", "headers_env": {"X-Key": "KEY"}}, "go with a url"),
        ({"url": "http://a/mcp", "auth": {"method": "bearer"}}, "auth names no variable"),
        ({"command": ["x", "{workspace}"], "scope": "shared"}, "no workspace of its own"),
        ({"command": "x", "comand": "y"}, "Extra inputs"),
    ],
)
def test_declarations_that_cannot_work(server: dict[str, Any], words: str) -> None:
    """A declaration that cannot work is refused, without a word of its values."""
    with pytest.raises(ValidationError, match=words) as caught:
        McpServer.model_validate(server)
    assert "hidden" not in str(caught.value)


def test_config_names_the_server_that_is_wrong(tmp_path: Path) -> None:
    """An error in config.toml says which server it is about."""
    kernel = make_kernel(tmp_path, config={"mcp": {"servers": {"web": {"url": "nowhere"}}}})
    with pytest.raises(ConfigError, match=r"plugins\.mcp\.servers\.web"):
        kernel.plugin_options("mcp")


UNUSED = """
import sys
from pathlib import Path
from loopengt.testing import loop_spec, make_kernel
from loopengt_hookspecs.models import LoopSpec, ToolSpec

kernel = make_kernel(Path("."), config={"mcp": {"servers": {"bad": {"command": "bad?"}}}})
spec = ToolSpec(name="t", tool_type="mcp", mcp_server="bad")
tool = kernel.get("tool_types", "mcp").bind(spec, Path("."), LoopSpec.model_validate(loop_spec()))
assert tool.plan() == "bad ('bad?')"
sys.exit("mcp" in sys.modules)
"""


def test_a_tool_that_is_not_used_costs_no_import(tmp_path: Path) -> None:
    """Binding a tool does not import the package that speaks the protocol, which takes a second."""
    done = subprocess.run(
        [sys.executable, "-c", UNUSED], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


PROGRAM = """
import asyncio, os, sys, time
from pathlib import Path
from loopengt.testing import loop_spec, make_kernel
from loopengt_hookspecs.models import LoopSpec, ToolSpec

server, mode, how = sys.argv[1:]

async def main():
    servers = {"bad": {"command": [sys.executable, "-S", server, mode]}}
    kernel = make_kernel(Path("."), config={"mcp": {"servers": servers}})
    spec = ToolSpec(name="t", tool_type="mcp", mcp_server="bad", mcp_tools=["pid"])
    tool = kernel.get("tool_types", "mcp").bind(spec, Path("."), LoopSpec.model_validate(loop_spec()))
    await tool.offers(Path("."))
    (peer,) = (held.peer for held in kernel.get("tool_types", "mcp").pool._held[asyncio.get_running_loop()].values())
    result = await peer.call_tool("pid", {})
    print(result.content[0].text, flush=True)
    if how == "wait":
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_nothing_is_left_when_our_process_is_killed(tmp_path: Path, ends: Any) -> None:
    """A server ends with its input, though nobody could close the connection."""
    with start(tmp_path, "", "wait") as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
        ends(pid)


@pytest.mark.slow
def test_nothing_is_left_when_the_event_loop_ends(tmp_path: Path, ends: Any) -> None:
    """A stubborn server that nobody released is killed with the event loop, and nothing is complained of."""
    with start(tmp_path, "stubborn", "return") as process:
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
        ends(int(out))


def start(project: Path, mode: str, how: str) -> subprocess.Popen[str]:
    """Start a program that has a connection, and either waits or returns."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, BAD[2], mode, how],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
