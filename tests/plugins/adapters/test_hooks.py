"""The hook of each tool in the tool's own file: its form, beside the hooks of others, and without a trace."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import ConfigError
from loopengt_adapters.editing.jsonc import parse

from . import configs

if TYPE_CHECKING:
    from loopengt_hookspecs.adapters import Scope

    from .conftest import Desk


@dataclass(frozen=True)
class Case:
    """The hooks of one tool in one scope, with what its documentation says of their file."""

    adapter: str
    scope: Scope
    file: str
    before: bytes
    path: tuple[str, ...]
    form: Any
    """What stands at the path of a new file; COMMAND is the command line."""
    root: tuple[str, ...] = ()

    def command(self) -> str:
        """Return the command line that this tool is told."""
        program = str(Path(sys.executable).with_name("loopengt"))
        words = program if self.scope == "user" or self.adapter == "claude-code" else "loopengt"
        return f"{words} adapter stop-gate --tool {self.adapter} || exit 0"


RUN = {"type": "command", "command": "COMMAND", "timeout": 30}
GROUP = [{"hooks": [RUN]}]
FLAT = [{"command": "COMMAND", "timeout": 30, "loop_limit": 100}]
AFTER = [{"hooks": [{"name": "loopengt", "type": "command", "command": "COMMAND", "timeout": 30000}]}]
STOP = ("hooks", "Stop")
CASES = [
    Case("claude-code", "project", ".claude/settings.local.json", configs.CLAUDE_SETTINGS, STOP, GROUP),
    Case("claude-code", "user", "~/.claude/settings.json", configs.CLAUDE_SETTINGS, STOP, GROUP),
    Case("codex", "project", ".codex/hooks.json", configs.CODEX_HOOKS, STOP, GROUP),
    Case("codex", "user", "~/.codex/hooks.json", configs.CODEX_HOOKS, STOP, GROUP),
    Case("cursor", "project", ".cursor/hooks.json", configs.CURSOR_HOOKS, ("hooks", "stop"), FLAT, ("version",)),
    Case("cursor", "user", "~/.cursor/hooks.json", configs.CURSOR_HOOKS, ("hooks", "stop"), FLAT, ("version",)),
    Case("gemini-cli", "project", ".gemini/settings.json", configs.GEMINI_HOOKS, ("hooks", "AfterAgent"), AFTER),
    Case("gemini-cli", "user", "~/.gemini/settings.json", configs.GEMINI_HOOKS, ("hooks", "AfterAgent"), AFTER),
    Case("vscode", "project", ".github/hooks/loopengt.json", configs.VSCODE_HOOKS, STOP, [RUN], ("version",)),
    Case("vscode", "user", "~/.copilot/hooks/loopengt.json", configs.VSCODE_HOOKS, STOP, [RUN], ("version",)),
    Case("antigravity", "project", ".agents/hooks.json", configs.ANTIGRAVITY_HOOKS, ("loopengt", "Stop"), [RUN]),
    Case("antigravity", "user", "~/.gemini/config/hooks.json", configs.ANTIGRAVITY_HOOKS, ("loopengt", "Stop"),
         [RUN]),
]  # fmt: skip
each = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.adapter}-{case.scope}")
each_tool = pytest.mark.parametrize("case", CASES[::2], ids=lambda case: case.adapter)


def read(file: Path) -> Any:
    """Return the data of a config."""
    return parse(file.read_bytes().decode("utf-8-sig"))


def at(data: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path, an empty list where there is nothing."""
    for key in path:
        data = data.get(key, {})
    return data or []


@each
def test_a_new_file_has_the_form_that_the_tool_reads(case: Case, desk: Desk) -> None:
    """The hook has just the keys of the tool's documentation; the file goes again with it."""
    tree = desk.tree()
    adapter = desk.adapter(case.adapter)
    adapter.install(desk.project, scope=case.scope)
    data = read(desk.path(case.file))
    wanted = json.loads(json.dumps(case.form).replace("COMMAND", case.command()))
    assert at(data, case.path) == wanted
    if case.adapter != "gemini-cli":  # whose settings hold the server, too
        assert set(data) == {case.path[0], *case.root}
    assert data.get("version", 1) == 1
    adapter.uninstall(desk.project, scope=case.scope)
    assert desk.tree() == tree


@each
def test_the_hook_stands_beside_those_of_others_and_leaves_no_trace(case: Case, desk: Desk) -> None:
    """In a config as people have it ours comes last, twice is once, and uninstall gives back every byte."""
    file = desk.write(case.file, case.before)
    tree, data = desk.tree(), read(file)
    adapter = desk.adapter(case.adapter)
    adapter.install(desk.project, scope=case.scope)
    now, theirs = read(file), at(data, case.path)
    assert at(now, case.path)[:-1] == theirs
    others = {key: value for key, value in now.get("hooks", {}).items() if key != case.path[-1]}
    assert others == {key: value for key, value in data.get("hooks", {}).items() if key != case.path[-1]}
    assert adapter.status(desk.project, scope=case.scope).state == "installed"
    installed = desk.tree()
    assert not any(change.is_made for change in adapter.install(desk.project, scope=case.scope))
    assert desk.tree() == installed
    adapter.uninstall(desk.project, scope=case.scope)
    assert desk.tree() == tree


@each_tool
def test_hooks_that_others_add_later_stay(case: Case, desk: Desk) -> None:
    """When something else in the file has changed since, just our hook goes."""
    file = desk.write(case.file, case.before)
    adapter = desk.adapter(case.adapter)
    adapter.install(desk.project, scope=case.scope)
    file.write_bytes(file.read_bytes().replace(b"{", b'{"later": {"PreToolUse": []},', 1))
    adapter.uninstall(desk.project, scope=case.scope)
    left, before = read(file), read(desk.write("before.json", case.before))
    assert left.pop("later") == {"PreToolUse": []}
    if "version" in case.root:
        assert left.pop("version") == 1
        before.pop("version", None)
    assert left == before
    assert file.read_bytes().startswith(configs.BOM) == case.before.startswith(configs.BOM)


@each_tool
def test_status_tells_a_stale_a_missing_and_a_broken_hook(case: Case, desk: Desk) -> None:
    """Another command is stale, no hook is a part missing, a program that is gone and a wrong kind are broken."""
    adapter = desk.adapter(case.adapter)
    adapter.install(desk.project, scope=case.scope)
    file = desk.path(case.file)
    good = file.read_bytes()

    def state() -> str:
        return adapter.status(desk.project, scope=case.scope).state

    file.write_bytes(good.replace(b" || exit 0", b""))
    assert state() == "stale"
    adapter.install(desk.project, scope=case.scope)
    assert file.read_bytes() == good
    if case.adapter != "gemini-cli":
        file.unlink()
        assert state() == "stale"
    program = case.command().split()[0].encode()
    file.write_bytes(good.replace(program + b" adapter", b"/gone/loopengt adapter"))
    status = adapter.status(desk.project, scope=case.scope)
    assert status.state == "broken" and "/gone/loopengt" in " ".join(status.details)
    file.write_bytes(b'{"hooks": null}' if case.path[0] == "hooks" else b"[]")
    status = adapter.status(desk.project, scope=case.scope)
    assert status.state == "broken" and "is not an object but" in status.details[0]
    assert "has to look like {" in status.details[0]


def test_a_file_with_hooks_of_others_gets_the_version_that_cursor_wants(desk: Desk) -> None:
    """A hooks.json without a version, which Cursor would not read, gets one; uninstall takes it back."""
    before = b'{\n  "hooks": {\n    "stop": []\n  }\n}\n'
    file = desk.write(".cursor/hooks.json", before)
    adapter = desk.adapter("cursor")
    adapter.install(desk.project, scope="project")
    assert read(file)["version"] == 1
    adapter.uninstall(desk.project, scope="project")
    assert file.read_bytes() == before


def test_server_and_hook_of_one_file_come_and_go_together(desk: Desk) -> None:
    """Gemini CLI's settings hold both; an installation that had only the server gets the hook, and all goes."""
    file = desk.write(".gemini/settings.json", configs.GEMINI)
    adapter = desk.adapter("gemini-cli")
    adapter.install(desk.project, scope="project")
    both = file.read_bytes()
    data = read(file)
    del data["hooks"]
    file.write_text(json.dumps(data, indent=2))
    assert adapter.status(desk.project, scope="project").state == "stale"
    file.write_bytes(configs.GEMINI)
    adapter.install(desk.project, scope="project")
    assert file.read_bytes() == both
    adapter.uninstall(desk.project, scope="project")
    assert file.read_bytes() == configs.GEMINI


def test_the_server_of_another_comes_back_beside_our_hook(desk: Desk) -> None:
    """A server that took our name while our hook was there is put aside by install, and is back afterwards."""
    theirs = {"command": "else"}
    file = desk.path(".gemini/settings.json")
    adapter = desk.adapter("gemini-cli")
    adapter.install(desk.project, scope="project")
    data = read(file)
    data["mcpServers"]["loopengt"] = theirs
    file.write_text(json.dumps(data))
    adapter.install(desk.project, scope="project")
    assert read(file)["mcpServers"]["loopengt"]["command"] == "loopengt"
    adapter.uninstall(desk.project, scope="project")
    assert read(file) == {"mcpServers": {"loopengt": theirs}}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"version": 1, "hooks": []}', ":1:25: hooks is not an object but a list"),
        (b'{"version": 1,\n "hooks": {"stop": {}}}', ":2:20: hooks.stop is not a list but an object"),
        (b'{"hooks": {"stop": []}, "hooks": {}}', ":1:25: the key hooks stands here for the second time"),
        (b'{"hooks": {"stop": [], "stop": []}}', ":1:24: the key hooks.stop stands here for the second time"),
    ],
)
def test_hooks_that_cannot_be_edited_are_refused(desk: Desk, data: bytes, place: str) -> None:
    """What is of the wrong kind or stands twice is named with its place and a remedy; no file is written."""
    desk.write(".cursor/hooks.json", data)
    tree = desk.tree()
    adapter = desk.adapter("cursor")
    with pytest.raises(ConfigError) as caught:
        adapter.install(desk.project, scope="project")
    assert place in caught.value.message and caught.value.remedy
    assert desk.tree() == tree
    assert adapter.status(desk.project, scope="project").state == "broken"


@pytest.mark.slow
def test_an_error_of_the_hook_never_holds_the_agent(desk: Desk) -> None:
    """Where loopengt cannot even start, the command ends with 0: most tools take 2 for a veto."""
    import subprocess

    desk.adapter("codex").install(desk.project, scope="user")
    command = read(desk.path("~/.codex/hooks.json"))["hooks"]["Stop"][0]["hooks"][0]["command"]
    for environ in ({"LOOPENGT_PROJECT": "/nowhere/at/all"}, {"LOOPENGT_PROJECT": str(desk.project)}):
        done = subprocess.run(
            ["/bin/sh", "-c", command], env={**os.environ, **environ}, input="{}", capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and done.stdout == ""
