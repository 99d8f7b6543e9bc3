"""Other programs at the same files, and files where nobody expects them: nothing of anybody is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from loopengt.errors import ConfigError
from loopengt_adapters.editing import replacing
from loopengt_adapters.editing.files import rewrite

from . import configs

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Desk


def install(desk: Desk, name: str = "cursor") -> None:
    """Install an adapter for the project."""
    desk.adapter(name).install(desk.project, scope="project")


def test_a_change_just_before_the_renaming_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that writes after our text was made, and before it is in place, loses nothing."""
    file = tmp_path / "f"
    file.write_bytes(b"old")
    sync, late = os.fsync, [b"theirs"]

    def slow(handle: int) -> None:
        sync(handle)
        if late:
            file.write_bytes(late.pop())

    monkeypatch.setattr(os, "fsync", slow)
    rewrite(file, lambda data: (data or b"") + b"+ours")
    assert file.read_bytes() == b"theirs+ours" and [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    ("how", "can_swap"), [("in place", True), ("by renaming", True), ("in place", False)]
)
def test_a_change_in_the_very_moment_of_the_renaming_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, can_swap: bool
) -> None:
    """A program that writes when all was compared already has its file back, and what we want is made from that."""
    file, seen, read = tmp_path / "f", list[bytes | None](), replacing._content
    file.write_bytes(b"old")

    def contested(place: Path | str) -> bytes | None:
        found = read(place)
        if len(seen) == 1 and place == file and found == b"old":
            draft = file if how == "in place" else tmp_path / "draft"
            draft.write_bytes(b"theirs")
            draft.replace(file)
        return found

    monkeypatch.setattr(replacing, "_content", contested)
    if not can_swap:
        monkeypatch.setattr(replacing, "_swap", lambda: None)

    def ours(data: bytes | None) -> bytes:
        seen.append(data)
        return (data or b"") + b"+ours"

    rewrite(file, ours)
    assert seen == [b"old", b"theirs"] and file.read_bytes() == b"theirs+ours"
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("how", ["in place", "anew"])
def test_a_change_in_the_moment_of_the_removal_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A file that is written, or made anew, while it goes, stays."""
    file, seen, rename = tmp_path / "f", list[bytes | None](), os.replace
    file.write_bytes(b"old")

    def contested(old: str, new: str) -> None:
        if how == "in place":
            file.write_bytes(b"theirs")
        rename(old, new)
        if how == "anew":
            file.write_bytes(b"theirs")
            (tmp_path / new).write_bytes(b"older")

    monkeypatch.setattr(os, "replace", contested)

    def ours(data: bytes | None) -> bytes | None:
        seen.append(data)
        return None if data == b"old" else data

    rewrite(file, ours)
    assert seen == [b"old", b"theirs"] and file.read_bytes() == b"theirs"
    assert [*tmp_path.iterdir()] == [file]


def test_a_file_that_somebody_makes_first_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there was no file, one that appears in the last moment is not written over."""
    file = tmp_path / "f"
    link, seen = os.link, list[bytes | None]()

    def contested(old: str, new: Path) -> None:
        if len(seen) == 1:
            file.write_bytes(b"theirs")
        link(old, new)

    monkeypatch.setattr(os, "link", contested)

    def ours(data: bytes | None) -> bytes:
        seen.append(data)
        return (data or b"") + b"+ours"

    rewrite(file, ours)
    assert seen == [None, b"theirs"] and file.read_bytes() == b"theirs+ours"


def test_file_systems_without_links_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system that knows no links, files are made and replaced by renaming."""

    def none(_old: str, _new: Path | str) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", none)
    monkeypatch.setattr(replacing, "_swap", lambda: None)
    for text in (b"new", b"newer"):
        rewrite(tmp_path / "f", dict.fromkeys((None, b"new"), text).get)
        assert (tmp_path / "f").read_bytes() == text and len([*tmp_path.iterdir()]) == 1


COUNTING = """
import json, pathlib, sys, time
file, how, end = pathlib.Path(sys.argv[1]), sys.argv[2], time.monotonic() + 0.7
draft = file.with_name("draft-of-the-tool")
number = 0
while time.monotonic() < end:
    found = json.loads(file.read_bytes())["count"]
    if found != number:
        sys.exit(f"{number} became {found}")
    number += 1
    text = json.dumps({"count": number, "mcpServers": {}}).encode()
    (file if how == "in place" else draft).write_bytes(text)
    if how != "in place":
        draft.replace(file)
    time.sleep(0.0005)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["in place", "by renaming"])
def test_a_tool_that_writes_all_the_time_loses_nothing(desk: Desk, how: str) -> None:
    """While a tool counts in its config, installing and uninstalling never takes a count back."""
    file = desk.write(".cursor/mcp.json", b'{"count": 0, "mcpServers": {}}')
    adapter = desk.adapter("cursor")
    tool = subprocess.Popen(
        [sys.executable, "-c", COUNTING, file, how], stderr=subprocess.PIPE, text=True, cwd=desk.home
    )
    acts, refused = 0, list[str]()
    while tool.poll() is None:
        for act in (adapter.install, adapter.uninstall):
            acts += 1
            try:
                act(desk.project, scope="project")
            except ConfigError as error:
                refused.append(error.message)
    assert tool.communicate() == (None, "") and acts > 10
    assert all("changed by another program twice" in message for message in refused), refused
    left = {each.name for each in file.parent.iterdir()}
    assert left <= {"mcp.json", "hooks.json", "commands", "mcp.json.loopengt-backup"}


def test_an_empty_file_may_be_one_that_is_about_to_be_written(tmp_path: Path) -> None:
    """A program that writes in place empties the file first; what it then writes is not taken for nothing."""
    file = tmp_path / "f"
    file.write_bytes(b"")
    writer = threading.Timer(0.01, file.write_bytes, [b"theirs"])
    writer.start()
    rewrite(file, lambda data: (data or b"") + b"+ours")
    writer.join()
    assert file.read_bytes() == b"theirs+ours"


@pytest.mark.slow
def test_installing_and_uninstalling_at_once_leaves_one_or_the_other(desk: Desk) -> None:
    """Whoever comes last, the config is valid, and is either with all of ours or as it was."""
    file = desk.write("~/.gemini/settings.json", configs.GEMINI_HOOKS)
    argv = [sys.executable, "-m", "loopengt", "adapter"]
    running = [
        subprocess.Popen(
            [*argv, act, "gemini-cli", "--scope", "user"], cwd=desk.project, stdout=subprocess.DEVNULL
        )
        for act in ("install", "uninstall", "install", "uninstall")
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0, 0]
    state = desk.adapter("gemini-cli").status(desk.project, scope="user").state
    assert state in ("installed", "not installed")
    desk.adapter("gemini-cli").uninstall(desk.project, scope="user")
    assert file.read_bytes() == configs.GEMINI_HOOKS


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_link_that_leads_to_itself_is_named(desk: Desk, place: str) -> None:
    """The error says which link it is and how to be rid of it; status says broken."""
    link = desk.path(".cursor/mcp.json" if place == "file" else ".cursor")
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(link.name)
    with pytest.raises(ConfigError) as caught:
        install(desk)
    assert caught.value.message == f"{link} is a link that leads back to itself"
    assert caught.value.remedy == f"remove it: rm {link}"
    status = desk.adapter("cursor").status(desk.project, scope="project")
    assert status.state == "broken" and f"rm {link}" in status.details[0]


def test_a_file_where_a_folder_has_to_be_is_named(desk: Desk) -> None:
    """When the tool's folder is a file, the error says so and what to do."""
    place = desk.write(".cursor", b"?")
    with pytest.raises(ConfigError, match="is not a folder") as caught:
        install(desk)
    assert str(place) in caught.value.message and "move it away" in caught.value.remedy


@pytest.mark.parametrize("what", ["file", "folder"])
def test_nothing_is_written_where_one_part_is_read_only(desk: Desk, what: str) -> None:
    """When the last of several files cannot be written, the first is not written either."""
    file = desk.write(".claude/settings.local.json", configs.CLAUDE_SETTINGS)
    place = file if what == "file" else file.parent
    place.chmod(0o444 if what == "file" else 0o555)
    tree = desk.tree()
    for args in ((), ("--dry-run",)):
        done = desk.run("adapter", "install", "claude-code", *args)
        assert done.returncode == 2 and f"chmod u+w {place}" in done.stderr
        assert desk.tree() == tree
    place.chmod(0o755)


def test_a_link_into_dotfiles_stays_one_also_when_nothing_is_left(desk: Desk) -> None:
    """A linked config, or one in a linked folder, is edited at its place, and no link is left without its target."""
    target = desk.write("~/dotfiles/cursor/hooks.json", b"{}")
    folder = desk.path(".cursor")
    folder.symlink_to(target.parent, target_is_directory=True)
    link = desk.path(".codex/hooks.json")
    link.parent.mkdir()
    link.symlink_to(target)
    before = desk.tree()
    for name in ("cursor", "codex"):
        install(desk, name)
        assert link.is_symlink() and folder.is_symlink() and b"stop-gate" in target.read_bytes()
        for backup in desk.project.rglob("*.loopengt-backup"):
            backup.unlink()  # by hand: what the file was is then not known
        desk.adapter(name).uninstall(desk.project, scope="project")
        assert link.is_symlink() and folder.is_symlink() and link.exists()
        target.write_bytes(b"{}")
    assert desk.tree() == before


def test_a_backup_that_cannot_be_written_stops_the_installation(desk: Desk) -> None:
    """Without a copy of the file as it was, nothing is put in."""
    desk.write(".cursor/mcp.json", configs.CURSOR)
    desk.path(".cursor/mcp.json.loopengt-backup").mkdir()
    with pytest.raises(ConfigError, match=r"loopengt-backup cannot be written"):
        install(desk)
    assert desk.path(".cursor/mcp.json").read_bytes() == configs.CURSOR


@pytest.mark.parametrize(
    ("name", "path", "data", "place"),
    [
        ("cursor", ".cursor/mcp.json", b'{"mcpServers": []}', ":1:16: mcpServers is not an object but a list"),
        ("cursor", ".cursor/mcp.json", b'{\n "mcpServers": null}', ":2:16: mcpServers is not an object but null"),
        ("vscode", ".vscode/mcp.json", b"// x\n[]", ":2:1: the document is not an object but a list"),
        ("vscode", ".vscode/mcp.json", b'"x"', ":1:1: the document is not an object but a text"),
        ("codex", ".codex/config.toml", b"a = 1\nmcp_servers = []\n", ":2:1: mcp_servers is not a table but a list"),
        ("cursor", ".cursor/mcp.json", b'{"mcpServers": {"a": {}}, "mcpServers": {}}',
         ":1:27: the key mcpServers stands here for the second time"),
        ("cursor", ".cursor/mcp.json", b'{"mcpServers": {"loopengt": {}, "loopengt": {}}}',
         ":1:33: the key mcpServers.loopengt stands here for the second time"),
        ("codex", ".codex/config.toml", b"[mcp_servers.loopengt]\n[mcp_servers.loopengt]\n", ":2:"),
    ],
)  # fmt: skip
def test_a_config_of_another_shape_is_called_broken(
    desk: Desk, name: str, path: str, data: bytes, place: str
) -> None:
    """Status, install and uninstall all name the place, what is there and what is expected; nothing is written."""
    file = desk.write(path, data)
    tree = desk.tree()
    adapter = desk.adapter(name)
    status = adapter.status(desk.project, scope="project")
    assert status.state == "broken" and f"{file}{place}" in status.details[0]
    assert any(word in status.details[0] for word in ("has to look like", "keep one of the two", "mend"))
    for act in (adapter.install, adapter.uninstall):
        with pytest.raises(ConfigError) as caught:
            act(desk.project, scope="project")
        assert place in caught.value.message and "was not touched" in caught.value.remedy
    assert desk.tree() == tree


def test_a_key_twice_elsewhere_is_nobodys_business(desk: Desk) -> None:
    """Only where our entry has to stand does a repeated key matter; elsewhere it keeps its bytes."""
    before = b'{"a": 1, "a": 2, "mcpServers": {"x": {"env": {}, "env": {}}}}'
    file = desk.write(".cursor/mcp.json", before)
    install(desk)
    assert b'"a": 1, "a": 2' in file.read_bytes()
    desk.adapter("cursor").uninstall(desk.project, scope="project")
    assert file.read_bytes() == before


@pytest.mark.slow
def test_five_megabytes_take_no_time_to_speak_of(desk: Desk) -> None:
    """A config of 5 MB, such as a long history makes it, is installed into, looked at and restored in seconds."""
    projects = {f"/src/{i}": {"history": ["fix // it, }"] * 20, "n": i} for i in range(14_000)}
    before = json.dumps({"projects": projects, "mcpServers": {}}, indent=2).encode()
    assert len(before) > 5_000_000
    file = desk.write("~/.claude.json", before)
    adapter = desk.adapter("claude-code")
    begun = time.process_time()
    adapter.install(desk.project, scope="user")
    assert adapter.status(desk.project, scope="user").state == "installed"
    adapter.uninstall(desk.project, scope="user")
    assert time.process_time() - begun < 15
    assert file.read_bytes() == before
