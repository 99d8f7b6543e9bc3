"""The commands ``loopengt adapter list``, ``install``, ``uninstall`` and ``status``."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from . import configs

if TYPE_CHECKING:
    from .conftest import Desk

NAMES = ["antigravity", "claude-code", "codex", "cursor", "gemini-cli", "terminal", "vscode"]


def test_list_names_every_tool(desk: Desk) -> None:
    """List shows all adapters with a line each, and as JSON who provides them."""
    shown = desk.run("adapter", "list")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == NAMES
    rows = json.loads(desk.run("adapter", "list", "--json").stdout)
    assert [row["name"] for row in rows] == NAMES and {row["plugin"] for row in rows} == {"adapters"}


def test_install_status_uninstall(desk: Desk) -> None:
    """A person installs, sees it installed in one scope, and uninstalls; the config is as it was."""
    file = desk.write(".cursor/mcp.json", configs.CURSOR)
    dry = desk.run("adapter", "install", "cursor", "--dry-run")
    assert "Nothing was changed" in dry.stderr and file.read_bytes() == configs.CURSOR
    done = desk.run("adapter", "install", "cursor")
    assert done.returncode == 0 and done.stdout.startswith("Added the server mcpServers.loopengt in ")
    rows = json.loads(desk.run("adapter", "status", "cursor", "--json", path=path(desk)).stdout)
    assert [(row["scope"], row["state"]) for row in rows] == [
        ("project", "installed"),
        ("user", "not installed"),
    ]
    assert str(file) in rows[0]["files"]
    gone = json.loads(desk.run("adapter", "uninstall", "cursor", "--json").stdout)
    assert all(change["made"] and change["after"] is None for change in gone)
    assert file.read_bytes() == configs.CURSOR


def test_an_invalid_file_is_a_usage_error(desk: Desk) -> None:
    """The command names the place in the file, exits with 2 and says that the file was not touched."""
    desk.write(".vscode/mcp.json", b'{\n  "servers": {,}\n}')
    done = desk.run("adapter", "install", "vscode")
    assert done.returncode == 2
    assert ".vscode/mcp.json:2:15: " in done.stderr and "not touched" in done.stderr
    status = desk.run("adapter", "status", "vscode", "--scope", "project")
    assert status.returncode == 1 and "broken" in status.stdout


def test_an_unknown_tool_is_told_the_nearest(desk: Desk) -> None:
    """A misspelt name is a usage error that names the right one."""
    done = desk.run("adapter", "install", "claude-cod")
    assert done.returncode == 2 and "claude-code" in done.stderr


def test_status_tells_the_tools_versions(desk: Desk) -> None:
    """Versions come from the programs on PATH, in whatever words these wrap them."""
    program(desk, "claude", 'echo "2.1.240 (Claude Code)"')
    program(desk, "codex", "echo codex-cli 0.130.1-beta")
    program(desk, "gemini", "exit 3")
    versions = asked(desk)
    assert versions["claude-code"] == "2.1.240" and versions["codex"] == "0.130.1-beta"
    assert versions["gemini-cli"] == "unknown" and versions["cursor"] is None


@pytest.mark.slow
def test_a_program_that_hangs_costs_three_seconds(desk: Desk) -> None:
    """A program that does not tell its version is ended, with its children, and the rest is shown."""
    program(desk, "code", "sleep 600 & sleep 600")
    started = time.monotonic()
    assert asked(desk)["vscode"] == "unknown"
    assert time.monotonic() - started < 8


def asked(desk: Desk) -> dict[str, str | None]:
    """Return the versions that status tells."""
    rows = json.loads(desk.run("adapter", "status", "--scope", "user", "--json", path=path(desk)).stdout)
    return {row["adapter"]: row["tool_version"] for row in rows}


def program(desk: Desk, name: str, script: str) -> None:
    """Put a program on the person's PATH."""
    file = desk.write(f"~/bin/{name}", f"#!/bin/sh\n{script}\n".encode())
    file.chmod(0o755)


def path(desk: Desk) -> str:
    """Return a PATH with the person's own programs and loopengt's, and no tool that this machine may have."""
    return os.pathsep.join([str(desk.home / "bin"), os.path.dirname(sys.executable), "/usr/bin", "/bin"])
