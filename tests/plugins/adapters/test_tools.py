"""Each tool: install into a config as people have it, check it against the tool's format, uninstall."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from loopengt_adapters.editing.jsonc import parse

from . import configs

if TYPE_CHECKING:
    from loopengt_hookspecs.adapters import Scope

    from .conftest import Desk


@dataclass(frozen=True)
class Case:
    """One tool in one scope, with what its documentation says of its files."""

    adapter: str
    scope: Scope
    file: str
    before: bytes
    key: str
    fields: dict[str, Any]
    text: str


SKILL = "skills/loopengt-run/SKILL.md"
WORKSPACE = {"args": ["-C", "${workspaceFolder}", "mcp"]}
CASES = [
    Case("claude-code", "project", ".mcp.json", configs.CLAUDE_PROJECT, "mcpServers", {"type": "stdio"},
         f".claude/{SKILL}"),
    Case("claude-code", "user", "~/.claude.json", configs.CLAUDE_USER, "mcpServers", {"type": "stdio"},
         f"~/.claude/{SKILL}"),
    Case("cursor", "project", ".cursor/mcp.json", configs.CURSOR, "mcpServers", WORKSPACE,
         ".cursor/commands/loopengt-run.md"),
    Case("cursor", "user", "~/.cursor/mcp.json", configs.CURSOR, "mcpServers", {},
         "~/.cursor/commands/loopengt-run.md"),
    Case("codex", "project", ".codex/config.toml", configs.CODEX, "mcp_servers", {"tool_timeout_sec": 120},
         f".agents/{SKILL}"),
    Case("codex", "user", "~/.codex/config.toml", configs.CODEX_INLINE, "mcp_servers", {"tool_timeout_sec": 120},
         f"~/.agents/{SKILL}"),
    Case("antigravity", "project", ".agents/mcp_config.json", configs.ANTIGRAVITY, "mcpServers", {},
         ".agents/workflows/loopengt-run.md"),
    Case("antigravity", "user", "~/.gemini/config/mcp_config.json", b"", "mcpServers", {},
         f"~/.gemini/config/{SKILL}"),
    Case("vscode", "project", ".vscode/mcp.json", configs.VSCODE, "servers", {"type": "stdio", **WORKSPACE},
         ".github/prompts/loopengt-run.prompt.md"),
    Case("vscode", "user", "~/.config/Code/User/mcp.json", configs.VSCODE, "servers", {"type": "stdio"},
         "~/.config/Code/User/prompts/loopengt-run.prompt.md"),
    Case("gemini-cli", "project", ".gemini/settings.json", configs.GEMINI, "mcpServers", {},
         ".gemini/commands/loopengt-run.toml"),
    Case("gemini-cli", "user", "~/.gemini/settings.json", configs.GEMINI, "mcpServers", {},
         "~/.gemini/commands/loopengt-run.toml"),
]  # fmt: skip
NO_TOOLS = {
    "run_id",
    "wait_seconds",
    "next_cursor",
    "goal_met",
    "nothing_to_do",
    "approval_required",
    "no_progress",
}
each = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.adapter}-{case.scope}")


def read(file: Path) -> dict[str, Any]:
    """Return the data of a config."""
    text = file.read_bytes().decode("utf-8-sig")
    found: dict[str, Any] = tomllib.loads(text) if file.suffix == ".toml" else parse(text or "{}")
    return found


@each
@pytest.mark.skipif(sys.platform == "darwin", reason="the paths of VS Code are those of Linux")
def test_install_and_uninstall_leave_the_config_as_it_was(case: Case, desk: Desk) -> None:
    """The server is added in the tool's format, nothing else changes, and uninstall gives back every byte."""
    file = desk.write(case.file, case.before)
    data, tree = read(file), desk.tree()
    adapter = desk.adapter(case.adapter)
    adapter.install(desk.project, scope=case.scope)

    program = str(Path(sys.executable).with_name("loopengt")) if case.scope == "user" else "loopengt"
    now = read(file)
    assert now[case.key].pop("loopengt") == {"command": program, "args": ["mcp"]} | case.fields
    if case.adapter == "gemini-cli":
        assert "stop-gate" in str(now.pop("hooks"))
    assert now == {**data, case.key: data.get(case.key, {})}
    lines = iter(file.read_bytes().splitlines())
    kept = [line.rstrip(b", ") for line in case.before.splitlines() if b"mcpServers" not in line]
    if len(kept) > 3 and case.before is not configs.CODEX_INLINE:
        assert all(any(old in line for line in lines) for old in kept), "a line is gone, or another order"
    assert file.read_bytes().startswith(configs.BOM) == case.before.startswith(configs.BOM)
    bare = rb"(?<!\r)\n" if b"\r\n" in case.before else rb"\r"
    assert re.search(bare, file.read_bytes()) is None, "line ends of two kinds"

    adapter.uninstall(desk.project, scope=case.scope)
    assert desk.tree() == tree


@each
@pytest.mark.skipif(sys.platform == "darwin", reason="the paths of VS Code are those of Linux")
def test_texts_have_the_form_that_the_tool_reads(case: Case, desk: Desk) -> None:
    """Each command or skill parses as the tool's documentation says: front matter, TOML, or plain Markdown."""
    desk.adapter(case.adapter).install(desk.project, scope=case.scope)
    file = desk.path(case.text)
    text = file.read_text(encoding="utf-8")
    if case.adapter == "gemini-cli":
        told = tomllib.loads(text)
        assert set(told) == {"description", "prompt"} and "{{args}}" in told["prompt"]
    elif file.name == "loopengt-run.md" and case.adapter == "cursor":
        assert text.startswith("# loopengt: run\n")
    else:
        head = yaml.safe_load(text.split("---\n")[1])
        wanted = {"name", "description"} if file.name == "SKILL.md" else {"description"}
        assert set(head) - {"agent"} == wanted
        assert head.get("name", "loopengt-run") == "loopengt-run" == file.name.partition(".")[0] or (
            file.parent.name == head["name"]
        )
    assert "run_loop" in text and "wait_run" in text
    assert "adapter bind-session" in text
    assert ("CLAUDE_SESSION_ID" in text) == (case.adapter == "claude-code")


@each
@pytest.mark.skipif(sys.platform == "darwin", reason="the paths of VS Code are those of Linux")
def test_twice_is_once_and_what_we_made_goes(case: Case, desk: Desk) -> None:
    """In an empty project a second install changes nothing, and uninstall leaves neither file nor folder."""
    tree = desk.tree()
    adapter = desk.adapter(case.adapter)
    assert adapter.status(desk.project, scope=case.scope).state == "not installed"
    assert any(change.is_made for change in adapter.install(desk.project, scope=case.scope))
    installed = desk.tree()
    assert not any(change.is_made for change in adapter.install(desk.project, scope=case.scope))
    assert desk.tree() == installed
    adapter.uninstall(desk.project, scope=case.scope)
    assert not [path for path in desk.tree() if path not in tree]
    assert adapter.status(desk.project, scope=case.scope).state == "not installed"


def test_the_hook_joins_those_of_others(desk: Desk) -> None:
    """The Stop hook is one more group of Claude Code's list, beside the person's own, and goes without a trace."""
    file = desk.write(".claude/settings.local.json", configs.CLAUDE_SETTINGS)
    adapter = desk.adapter("claude-code")
    adapter.install(desk.project, scope="project")
    stop = json.loads(file.read_bytes())["hooks"]["Stop"]
    assert stop[0] == {"hooks": [{"type": "command", "command": "afplay done.aiff"}]}
    [hook] = stop[1]["hooks"]
    assert hook["type"] == "command"
    assert hook["command"].endswith("loopengt adapter stop-gate --tool claude-code || exit 0")
    assert os.access(hook["command"].split()[0], os.X_OK)
    adapter.uninstall(desk.project, scope="project")
    assert file.read_bytes() == configs.CLAUDE_SETTINGS


def test_the_folder_of_a_tool_can_be_elsewhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """CODEX_HOME and CLAUDE_CONFIG_DIR lead to where those tools then look."""
    monkeypatch.setenv("CODEX_HOME", str(desk.home / "cx"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(desk.home / "cc"))
    desk.adapter("codex").install(desk.project, scope="user")
    desk.adapter("claude-code").install(desk.project, scope="user")
    assert {path.name for path in (desk.home / "cc").iterdir()} == {".claude.json", "settings.json", "skills"}
    assert (desk.home / "cx" / "config.toml").is_file()


def test_an_older_antigravity_is_found(desk: Desk) -> None:
    """Where only the older place of Antigravity's config exists, that file is used."""
    file = desk.write("~/.gemini/antigravity/mcp_config.json", configs.ANTIGRAVITY)
    desk.adapter("antigravity").install(desk.project, scope="user")
    assert "loopengt" in read(file)["mcpServers"]
    assert not desk.path("~/.gemini/config/mcp_config.json").exists()


def test_the_terminal_gets_completion(desk: Desk) -> None:
    """For the person, completion files are written that bash can read; uninstall removes them."""
    adapter = desk.adapter("terminal")
    adapter.install(desk.project, scope="user")
    file = desk.path("~/.local/share/bash-completion/completions/loopengt")
    assert "bash_source" in file.read_text()
    assert not any(change.is_made for change in adapter.install(desk.project, scope="project"))
    adapter.uninstall(desk.project, scope="user")
    assert not file.exists()


async def test_texts_name_tools_that_the_server_has(desk: Desk) -> None:
    """Every tool that a command or skill tells a model to call is offered by our MCP server."""
    from mcp import Client

    from loopengt.testing import make_kernel
    from loopengt_adapters.tools.texts import NAMES, render
    from loopengt_mcp.server.app import make_server

    kernel = make_kernel(desk.project)
    async with Client(make_server(kernel, kernel.plugin_options("mcp"))) as client:
        offered = {tool.name for tool in (await client.list_tools()).tools}
    told = " ".join(render(name, "skill", gate="stop-gate") for name in NAMES)
    called = {word for word in re.findall(r"`([a-z]+_[a-z]+)`", told) if word not in NO_TOOLS}
    assert called and called <= offered, called - offered
