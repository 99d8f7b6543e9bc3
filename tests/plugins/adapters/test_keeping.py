"""What people have changed since: it is kept, brought up to date, or named, and never lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loopengt_adapters.editing.jsonc import parse

from . import configs

if TYPE_CHECKING:
    from .conftest import Desk


def test_other_changes_survive_an_uninstall(desk: Desk) -> None:
    """A server that a person has added after us stays when ours goes, with every comment."""
    file = desk.write(".cursor/mcp.json", configs.CURSOR)
    adapter = desk.adapter("cursor")
    adapter.install(desk.project, scope="project")
    mine = b'\t\t"mine": {"command": "x"}, // new\n'
    head, brace, tail = file.read_bytes().rpartition(b"\t},\n}")
    file.write_bytes(head + mine + brace + tail)
    adapter.uninstall(desk.project, scope="project")
    head, brace, tail = configs.CURSOR.rpartition(b"\t},\n}")
    assert file.read_bytes() == head + mine + brace + tail
    assert not file.with_name("mcp.json.loopengt-backup").exists()


def test_a_file_that_others_fill_meanwhile_stays(desk: Desk) -> None:
    """A file that we have made is not removed when it holds something else by then."""
    adapter = desk.adapter("cursor")
    adapter.install(desk.project, scope="project")
    file = desk.path(".cursor/mcp.json")
    data = parse(file.read_text())
    file.write_text(json.dumps({**data, "other": 1}))
    adapter.uninstall(desk.project, scope="project")
    assert json.loads(file.read_text()) == {"other": 1}


def test_an_old_entry_is_brought_up_to_date(desk: Desk) -> None:
    """Status calls an entry of another form stale; install mends it and keeps what a person has added to it."""
    old = {"mcpServers": {"loopengt": {"command": "loopengt", "args": ["serve"], "env": {"A": "b"}}}}
    file = desk.write(".gemini/settings.json", json.dumps(old, indent=4).encode())
    adapter = desk.adapter("gemini-cli")
    status = adapter.status(desk.project, scope="project")
    assert status.state == "stale" and "mcpServers.loopengt" in status.details[0]
    adapter.install(desk.project, scope="project")
    old["mcpServers"]["loopengt"]["args"] = ["mcp"]
    now = json.loads(file.read_bytes())
    assert "stop-gate" in str(now.pop("hooks")) and now == old
    assert adapter.status(desk.project, scope="project").state == "installed"


def test_an_entry_that_is_no_object_is_replaced(desk: Desk) -> None:
    """Where our name leads to something else than an entry, install puts the entry there."""
    file = desk.write(".gemini/settings.json", b'{"mcpServers": {"loopengt": null, "a": {}}}')
    desk.adapter("gemini-cli").install(desk.project, scope="project")
    assert parse(file.read_text())["mcpServers"] == {
        "a": {},
        "loopengt": {"command": "loopengt", "args": ["mcp"]},
    }


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        (
            "cursor",
            ".cursor/mcp.json",
            b'{"mcpServers": {"loopengt": {"command": "else", "env": {"K": "v"}}}}\r\n',
        ),
        ("cursor", ".cursor/mcp.json", b'{"mcpServers": {"loopengt": "else"}}'),
        (
            "codex",
            ".codex/config.toml",
            b'[mcp_servers.loopengt]\ncommand="z"\n[mcp_servers.loopengt.env]\nA="1"\n',
        ),
    ],
)
def test_a_server_of_somebody_else_comes_back(desk: Desk, name: str, path: str, text: bytes) -> None:
    """What had our name and starts something else is kept as a backup, and is there again after uninstall."""
    file = desk.write(path, text)
    adapter = desk.adapter(name)
    adapter.install(desk.project, scope="project")
    assert adapter.status(desk.project, scope="project").state == "installed"
    adapter.uninstall(desk.project, scope="project")
    assert file.read_bytes() == text
    [change] = [each for each in adapter.uninstall(desk.project, scope="project") if each.file == file]
    assert "left alone" in change.sentence and file.read_bytes() == text


def test_a_server_of_somebody_else_comes_back_beside_later_changes(desk: Desk) -> None:
    """When more than our entry has changed since, that stays, and the server that had our name is back."""
    theirs = {"command": "else", "env": {"K": "v"}}
    file = desk.write(
        ".gemini/settings.json", json.dumps({"mcpServers": {"loopengt": theirs}, "a": 1}).encode()
    )
    adapter = desk.adapter("gemini-cli")
    adapter.install(desk.project, scope="project")
    file.write_bytes(file.read_bytes().replace(b'"a": 1', b'"a": 2'))
    adapter.uninstall(desk.project, scope="project")
    assert json.loads(file.read_bytes()) == {"mcpServers": {"loopengt": theirs}, "a": 2}


def test_a_missing_command_is_broken(desk: Desk) -> None:
    """An entry whose program has gone, as with a removed virtual environment, is called broken."""
    entry = {"mcpServers": {"loopengt": {"command": "/gone/bin/loopengt", "args": ["mcp"]}}}
    desk.write("~/.gemini/settings.json", json.dumps(entry).encode())
    status = desk.adapter("gemini-cli").status(desk.project, scope="user")
    assert status.state == "broken" and "/gone/bin/loopengt" in status.details[0]


def test_edited_and_foreign_files_are_left_alone(desk: Desk) -> None:
    """A text that somebody has edited, or that was never ours, is neither overwritten nor removed."""
    adapter = desk.adapter("cursor")
    foreign = desk.write(".cursor/commands/loopengt-trace.md", b"mine\n")
    adapter.install(desk.project, scope="project")
    edited = desk.path(".cursor/commands/loopengt-run.md")
    edited.write_text("Always ask first.\n" + edited.read_text())
    before = desk.tree()
    changes = adapter.install(desk.project, scope="project")
    assert desk.tree() == before and not any(change.is_made for change in changes)
    assert any("was edited and is kept" in change.sentence for change in changes)
    status = adapter.status(desk.project, scope="project")
    assert status.state == "installed" and len(status.details) == 2
    adapter.uninstall(desk.project, scope="project")
    assert foreign.read_bytes() == b"mine\n" and edited.exists()
    assert not desk.path(".cursor/commands/loopengt-design.md").exists()


def test_an_older_text_is_replaced(desk: Desk) -> None:
    """A text of another version, which nobody has edited, is stale, and install writes today's."""
    from loopengt_adapters.tools.texts import marked
    from loopengt_hookspecs.adapters import InstalledFile

    adapter = desk.adapter("cursor")
    adapter.install(desk.project, scope="project")
    file = desk.path(".cursor/commands/loopengt-run.md")
    today = file.read_bytes()
    file.write_text(marked(InstalledFile(file, "# loopengt: run\n\nAs it was in 0.1.\n")))
    assert adapter.status(desk.project, scope="project").state == "stale"
    adapter.install(desk.project, scope="project")
    assert file.read_bytes() == today


def test_a_part_that_is_missing_is_stale(desk: Desk) -> None:
    """When a skill is gone, the adapter is stale, and install puts back just that."""
    adapter = desk.adapter("codex")
    adapter.install(desk.project, scope="project")
    file = desk.path(".agents/skills/loopengt-run/SKILL.md")
    file.unlink()
    assert adapter.status(desk.project, scope="project").state == "stale"
    made = [change for change in adapter.install(desk.project, scope="project") if change.is_made]
    assert [change.file for change in made] == [file]


def test_dry_run_tells_all_and_writes_nothing(desk: Desk) -> None:
    """A dry run returns the same changes as the run itself, and no byte of any file is another."""
    desk.write(".vscode/mcp.json", configs.VSCODE)
    adapter = desk.adapter("vscode")
    tree = desk.tree()
    told = adapter.install(desk.project, scope="project", dry_run=True)
    assert desk.tree() == tree
    assert told == adapter.install(desk.project, scope="project")
    tree = desk.tree()
    told = adapter.uninstall(desk.project, scope="project", dry_run=True)
    assert desk.tree() == tree
    assert told == adapter.uninstall(desk.project, scope="project")


def test_changes_show_our_part_and_nobody_elses(desk: Desk) -> None:
    """Before and after of a change hold our entry only: a config is full of other people's keys."""
    desk.write(".mcp.json", b'{"mcpServers": {"a": {"env": {"KEY": "s3cr3t-of-another"}}}}')
    changes = desk.adapter("claude-code").install(desk.project, scope="project")
    assert "s3cr3t" not in repr(changes)
    [entry] = [change.after for change in changes if change.file == desk.path(".mcp.json")]
    assert entry is not None
    assert json.loads(entry) == {"command": "loopengt", "args": ["mcp"], "type": "stdio"}
