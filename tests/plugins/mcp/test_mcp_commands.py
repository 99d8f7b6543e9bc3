"""``loopengt mcp``, which tries servers by hand."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import loop_spec

HERE = Path(__file__).parent
BAD = [sys.executable, "-S", str(HERE / "bad_server.py")]


@pytest.fixture
def configured(project: Path) -> Path:
    """A project with a server that works, one that is not installed, and one that nobody answers for."""
    lines = [
        "[mcp.servers.bad]",
        f"command = {json.dumps(BAD)}",
        "[mcp.servers.gone]",
        'command = "no-such-mcp-server"',
        "[mcp.servers.far]",
        'url = "http://127.0.0.1:9/mcp"',
    ]
    (project / ".loopengt" / "config.toml").write_text("\n".join(lines))
    return project


def test_the_help_names_both_sides(site: Any, configured: Path) -> None:
    """It shows how to serve, and the commands that try other servers; nothing is connected."""
    shown = site.run("mcp", "--help", cwd=configured)
    assert shown.returncode == 0
    assert "servers" in shown.stdout and "call" in shown.stdout and "--transport" in shown.stdout


@pytest.mark.slow
def test_servers_are_tried(site: Any, configured: Path) -> None:
    """Every declared server is shown with its state, and one that cannot be reached is exit code 1 and a remedy."""
    shown = site.run("mcp", "servers", cwd=configured)
    assert shown.returncode == 1
    rows = {line.split()[0]: line.split() for line in shown.stdout.splitlines()[1:]}
    assert rows["bad"][1:4] == ["connected", "2025-06-18", "21"]
    assert rows["bad"][-1].endswith("config.toml")
    assert rows["gone"][1] == rows["far"][1] == "unreachable"
    assert "cannot connect to the MCP server 'far'" in shown.stderr
    assert "Install no-such-mcp-server" in shown.stderr


@pytest.mark.slow
def test_servers_of_a_spec_are_tried_as_json(site: Any, project: Path) -> None:
    """A spec's own servers are shown with the spec as the place they are declared in."""
    agent = {"name": "worker", "config": {"provider": "command", "extra": {"command": ["true"]}}}
    spec = loop_spec(agents=[agent], mcp_servers={"mine": {"command": BAD}})
    (project / "loop.yaml").write_text(json.dumps(spec))
    shown = site.run("mcp", "servers", "--spec", "loop.yaml", "--json", cwd=project)
    assert shown.returncode == 0, shown.stderr
    (row,) = json.loads(shown.stdout)
    assert (row["name"], row["state"], row["where"], row["server"]) == (
        "mine",
        "connected",
        "loop.yaml",
        "bad 1",
    )


@pytest.mark.slow
def test_a_result_does_not_steer_the_terminal(site: Any, configured: Path) -> None:
    """A text with control characters is printed as it is into a pipe, and with escapes on a terminal."""
    words = (sys.executable, "-m", "loopengt", "mcp", "call", "bad", "steer")
    piped = subprocess.run(words, cwd=configured, capture_output=True, timeout=60, check=True)
    assert piped.stdout.decode() == "\x1b]52;c;eA==\x07two\nlines\n"
    mine, theirs = pty.openpty()
    with os.fdopen(mine, "rb", buffering=0) as terminal:
        subprocess.run(
            words, cwd=configured, stdout=theirs, stderr=subprocess.DEVNULL, timeout=60, check=True
        )
        os.close(theirs)
        assert terminal.read(1000) == b"\\x1b]52;c;eA==\\x07two\r\nlines\r\n"


@pytest.mark.slow
def test_a_project_without_servers(site: Any, project: Path) -> None:
    """No server is no failure, and the way to declare one is told."""
    shown = site.run("mcp", "servers", cwd=project)
    assert (shown.returncode, shown.stdout) == (0, "")
    assert "[mcp.servers.NAME]" in shown.stderr


@pytest.mark.slow
def test_tools_are_shown(site: Any, configured: Path) -> None:
    """A server's tools are shown, as JSON with their schemas and effects."""
    shown = site.run("mcp", "tools", "bad", "--json", cwd=configured)
    tools = {tool["name"]: tool for tool in json.loads(shown.stdout)}
    assert tools["wipe"]["effects"] == "once"
    assert tools["misfit"]["output_schema"]["properties"] == {"n": {"type": "integer"}}
    assert "\necho\n" in f"\n{site.run('mcp', 'tools', 'bad', cwd=configured).stdout}"


def test_a_tool_is_called(site: Any, configured: Path) -> None:
    """A text is printed as it is; a value is read as JSON where no text is wanted."""
    shown = site.run("mcp", "call", "bad", "echo", "text=42", cwd=configured)
    assert (shown.returncode, shown.stdout) == (0, "42\n"), shown.stderr


@pytest.mark.slow
def test_a_picture_is_saved(site: Any, configured: Path) -> None:
    """What is no text goes into the named folder, under the digest that the note names."""
    shown = site.run("mcp", "call", "bad", "picture", "--save", "out", "--json-args", "{}", cwd=configured)
    _, image, _ = json.loads(shown.stdout)
    assert (configured / "out" / image["blob"]).read_bytes() == b"\0\1\2"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["tools", "bat"], 2, "MCP server 'bat' is not configured, the nearest is 'bad'"),
        (["tools", "gone"], 1, "Install no-such-mcp-server"),
        (["call", "bad", "ecko"], 2, "has no tool 'ecko', the nearest is 'echo'"),
        (["call", "bad", "echo", "text"], 2, "'text' is not KEY=VALUE"),
        (["call", "bad", "echo", "--json-args", "{"], 2, "--json-args is not JSON"),
        (["call", "bad", "die"], 1, "may or may not have been done"),
        (["call", "bad", "invalid"], 1, "gave an invalid answer"),
        (["read", "bad", "note://one"], 1, "refuses: no resources/read"),
    ],
)
def test_failures_have_their_exit_codes(
    site: Any, configured: Path, args: list[str], code: int, words: str
) -> None:
    """What was asked wrongly is exit code 2, what failed 1; both say what, and no traceback is shown."""
    shown = site.run("mcp", *args, cwd=configured)
    assert shown.returncode == code, shown.stderr
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.slow
def test_questions_are_declined_without_a_terminal(site: Any, configured: Path) -> None:
    """A server that asks gets no answer invented where nobody sits."""
    shown = site.run("mcp", "call", "bad", "ask", cwd=configured)
    assert json.loads(shown.stdout) == {"action": "decline"}


@pytest.mark.slow
def test_resources_and_prompts(site: Any, project: Path, web: Any) -> None:
    """Resources and prompts of a server are listed and read."""
    web.start()
    (project / ".loopengt" / "config.toml").write_text(f'[mcp.servers.web]\nurl = "{web.url}"')
    assert "note://one" in site.run("mcp", "resources", "web", cwd=project).stdout
    assert site.run("mcp", "read", "web", "note://one", cwd=project).stdout == "first note\n"
    assert "greet name" in site.run("mcp", "prompts", "web", cwd=project).stdout
