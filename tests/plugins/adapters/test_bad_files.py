"""Config files that are invalid, read-only, links, huge, or written by others at the same time."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loopengt.errors import ConfigError
from loopengt_adapters.editing.files import LARGEST, locked, rewrite

from . import configs

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Desk

EMPTY = b'{\n  "mcpServers": {}\n}\n'


def install(desk: Desk, name: str = "cursor") -> None:
    """Install an adapter for the project."""
    desk.adapter(name).install(desk.project, scope="project")


@pytest.mark.parametrize(
    ("name", "path", "data", "place"),
    [
        ("cursor", ".cursor/mcp.json", b'{"mcpServers": {"a": }}', ":1:22:"),
        ("cursor", ".cursor/mcp.json", b"{}\n\xff", "byte 3 is not UTF-8"),
        ("cursor", ".cursor/mcp.json", b'{"mcpServers": []}', "mcpServers is not an object"),
        ("codex", ".codex/config.toml", b"a = 1\nb = \n", ":2:5:"),
        (
            "claude-code",
            ".claude/settings.local.json",
            b'{"hooks": {"Stop": {}}}',
            "hooks.Stop is not a list",
        ),
    ],
)
def test_an_invalid_file_is_refused_and_untouched(
    desk: Desk, name: str, path: str, data: bytes, place: str
) -> None:
    """The error names file, line and column; neither that file nor any other is written."""
    file = desk.write(path, data)
    tree = desk.tree()
    with pytest.raises(ConfigError) as caught:
        install(desk, name)
    assert str(file) in str(caught.value) and place in str(caught.value)
    assert desk.tree() == tree
    status = desk.adapter(name).status(desk.project, scope="project")
    assert status.state == "broken" and place in status.details[0]


def test_a_read_only_file_is_refused(desk: Desk) -> None:
    """A file that its owner has made read-only stays; the error says how to make it writable."""
    file = desk.write(".cursor/mcp.json", configs.CURSOR)
    file.chmod(0o444)
    with pytest.raises(ConfigError, match=r"chmod u\+w"):
        install(desk)
    assert file.read_bytes() == configs.CURSOR and stat.S_IMODE(file.stat().st_mode) == 0o444


def test_mode_is_kept_and_the_backup_is_as_private(desk: Desk) -> None:
    """A private config stays private, and so is the copy of it."""
    file = desk.write(".cursor/mcp.json", configs.CURSOR)
    file.chmod(0o600)
    install(desk)
    backup = file.with_name("mcp.json.loopengt-backup")
    assert backup.read_bytes() == configs.CURSOR
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, backup)] == [0o600, 0o600]


def test_a_link_is_followed_to_its_target(desk: Desk) -> None:
    """A config that is a link into somebody's dotfiles stays a link; the target is edited, and comes back."""
    target = desk.write("~/dotfiles/mcp.json", EMPTY)
    link = desk.path(".cursor/mcp.json")
    link.parent.mkdir()
    link.symlink_to(target)
    install(desk)
    assert link.is_symlink() and "loopengt" in json.loads(target.read_bytes())["mcpServers"]
    desk.adapter("cursor").uninstall(desk.project, scope="project")
    assert link.is_symlink() and target.read_bytes() == EMPTY


def test_a_link_to_nowhere_and_a_folder_are_refused(desk: Desk) -> None:
    """What is no file cannot be edited, and says so."""
    link = desk.path(".cursor/mcp.json")
    link.parent.mkdir()
    link.symlink_to(desk.home / "gone")
    with pytest.raises(ConfigError, match="link to nowhere"):
        install(desk)
    link.unlink()
    link.mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        install(desk)


def test_a_huge_file_is_refused_politely(desk: Desk) -> None:
    """Beyond the limit a file is not even read."""
    file = desk.write(".cursor/mcp.json", b"")
    os.truncate(file, LARGEST + 1)
    with pytest.raises(ConfigError, match="32 MB"):
        install(desk)


def test_a_change_meanwhile_is_taken_up(tmp_path: Path) -> None:
    """When another program writes while we do, its text is kept and ours is made anew from it."""
    file = tmp_path / "f"
    file.write_bytes(b"old")
    seen: list[bytes | None] = []

    def change(data: bytes | None) -> bytes:
        seen.append(data)
        if len(seen) == 1:
            file.write_bytes(b"theirs")
        return (data or b"") + b"+ours"

    rewrite(file, change)
    assert seen == [b"old", b"theirs"] and file.read_bytes() == b"theirs+ours"


def test_a_file_that_changes_all_the_time_is_left_alone(tmp_path: Path) -> None:
    """After a second change meanwhile it is given up; what the others wrote stands, and no draft is left."""
    file = tmp_path / "f"
    file.write_bytes(b"0")

    def change(data: bytes | None) -> bytes:
        file.write_bytes((data or b"") + b"!")
        return b"ours"

    with pytest.raises(ConfigError, match="changed by another program twice"):
        rewrite(file, change)
    assert file.read_bytes() == b"0!!" and [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new text cannot be written whole, the old file stands and no draft is left."""
    file = tmp_path / "f"
    file.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        rewrite(file, lambda _: b"new")
    assert file.read_bytes() == b"old" and len([*tmp_path.iterdir()]) == 1


@pytest.mark.slow
def test_two_installs_at_once_both_count(desk: Desk) -> None:
    """Several processes that install into one home at once leave a valid config with one entry."""
    file = desk.write("~/.cursor/mcp.json", configs.CURSOR)
    argv = [sys.executable, "-m", "loopengt", "adapter", "install", "cursor", "--scope", "user"]
    with locked():  # all of them are there before the first may begin
        running = [
            subprocess.Popen(
                argv, cwd=desk.project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
    told = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    assert file.read_bytes().count(b'"loopengt": {') == 1
    assert sum("Added the server" in out for out, _ in told) == 1
    desk.adapter("cursor").uninstall(desk.project, scope="user")
    assert file.read_bytes() == configs.CURSOR
