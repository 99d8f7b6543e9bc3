"""The reference servers: time and git of PyPI; filesystem, memory and everything of npm."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

NPM = [f"@modelcontextprotocol/server-{name}@2026.8.31" for name in ("filesystem", "memory", "everything")]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Install the servers of npm, once in the folder LOOPENGT_TEST_NODE where it is set, and start them by name."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Install Node.js, such as: apt install nodejs npm")
    named = os.environ.get("LOOPENGT_TEST_NODE")
    folder = Path(named) if named else tmp_path_factory.mktemp("node")
    folder.mkdir(parents=True, exist_ok=True)
    programs = folder / "node_modules" / ".bin"
    if not (programs / "mcp-server-everything").exists():
        npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), *NPM]
        subprocess.run(npm, cwd=folder, check=True, timeout=200)
    return lambda name: [str(programs / f"mcp-server-{name}")]


async def test_time(bench: Any) -> None:
    """The time server answers with data, and its refusal of a wrong zone is its own text."""
    bench.servers["time"] = {"command": [sys.executable, "-m", "mcp_server_time"]}
    tool = bench.tool("time")
    offers = await tool.offers()
    assert offers.keys() == {"t_convert_time", "t_get_current_time"}
    assert offers["t_get_current_time"].source == "mcp:time"
    found = await tool.call("t_get_current_time", timezone="Asia/Tokyo")
    assert found["timezone"] == "Asia/Tokyo"
    with pytest.raises(ToolError, match="Invalid timezone"):
        await tool.call("t_get_current_time", timezone="Mars")


async def test_git_in_the_workspace(bench: Any) -> None:
    """The git server works in the run's workspace, by placeholder."""
    workspace = bench.project / "workspace"
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    (workspace / "new.txt").write_text("new")
    bench.servers["git"] = {
        "command": [sys.executable, "-m", "mcp_server_git"],
        "args": ["-r", "{workspace}"],
    }
    tool = bench.tool("git", workspace=workspace)
    offers = await tool.offers()
    assert offers["t_git_status"].effects is Effects.NONE
    assert "new.txt" in str(await tool.call("t_git_status", repo_path=str(workspace)))


@pytest.mark.slow
async def test_filesystem(bench: Any, node: Callable[[str], list[str]]) -> None:
    """The filesystem server writes in the workspace, and refuses what is outside."""
    bench.servers["files"] = {"command": node("filesystem"), "args": ["{workspace}"]}
    tool = bench.tool("files")
    offers = await tool.offers()
    assert offers["t_read_text_file"].effects is Effects.NONE
    note = bench.project / "note.txt"
    await tool.call("t_write_file", path=str(note), content="hello")
    assert note.read_text() == "hello"
    assert await tool.call("t_read_text_file", path=str(note)) == {"content": "hello"}
    with pytest.raises(ToolError, match="Access denied"):
        await tool.call("t_read_text_file", path="/etc/passwd")


@pytest.mark.slow
async def test_memory_outlives_a_kill(
    bench: Any, node: Callable[[str], list[str]], kill: Callable[[int], None]
) -> None:
    """A memory server that is killed in the midst of a run is started again, and knows what it was told."""
    bench.servers["memory"] = {
        "command": node("memory"),
        "env": {"MEMORY_FILE_PATH": "{workspace}/memory.jsonl"},
    }
    tool = bench.tool("memory")
    ann = {"name": "Ann", "entityType": "person", "observations": ["likes tea"]}
    await tool.call("t_create_entities", entities=[ann])
    for pid in children("server-memory"):
        kill(pid)
    graph = await tool.call("t_read_graph")
    assert graph["entities"][0]["observations"] == ["likes tea"]


@pytest.mark.slow
async def test_everything(bench: Any, node: Callable[[str], list[str]]) -> None:
    """Of a server that has everything: text, data, pictures, resources, prompts and questions; no sampling."""
    bench.servers["everything"] = {"command": node("everything")}
    tool = bench.tool("everything")
    offers = await tool.offers()
    assert not [name for name in offers if "sampling" in name]
    assert await tool.call("t_echo", message="hi") == "Echo: hi"
    picture = await tool.call("t_get-tiny-image")
    assert [part["type"] for part in picture if isinstance(part, dict)] == ["image"]
    assert len(bench.blobs) == 1
    resources = await tool.call("t_list_resources")
    assert await tool.call("t_read_resource", uri=resources[0]["uri"])
    prompts = await tool.call("t_list_prompts")
    assert {"simple-prompt"} <= {prompt["name"] for prompt in prompts}
    (message,) = await tool.call("t_get_prompt", name="simple-prompt")
    assert message["role"] == "user"
    assert offers["t_trigger-elicitation-request"]
    bench.answer = type(bench.answer)("nobody", declined=True)
    assert "declined" in str(await tool.call("t_trigger-elicitation-request"))


@pytest.mark.slow
async def test_everything_over_http(bench: Any, web: Any, node: Callable[[str], list[str]]) -> None:
    """The same server over HTTP: many calls at once, and its end and return in their midst."""
    environ = os.environ | {"PORT": str(web.port)}

    def start() -> subprocess.Popen[bytes]:
        argv = [*node("everything"), "streamableHttp"]
        return subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    bench.servers["everything"] = {"url": web.url}
    process = start()
    try:
        web.wait()
        tool = bench.tool("everything")
        echoed = await asyncio.gather(*(tool.call("t_echo", message=str(i)) for i in range(20)))
        assert echoed == [f"Echo: {i}" for i in range(20)]
        process.kill()
        process.wait()
        with pytest.raises(ToolError, match="MCP server 'everything'"):
            await tool.call("t_echo", message="anybody there?")
        process = start()
        web.wait()
        assert await tool.call("t_echo", message="again") == "Echo: again"
        process.kill()
        process.wait()
        process = start()
        web.wait()
        assert await tool.call("t_toggle-simulated-logging")
    finally:
        process.kill()
        process.wait()


def children(word: str) -> list[int]:
    """Return the processes that we have started and that have a word in their command line."""
    found = []
    for line in subprocess.run(
        ["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines():
        pid, parent, argv = line.split(None, 2)
        if int(parent) == os.getpid() and word in argv:
            found.append(int(pid))
    assert found, f"no {word} runs"
    return found
