"""No tool reaches out of the workspace, whatever path it is given and whatever is done to the folders meanwhile."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from loopengt_hookspecs.tools import ToolError

Bench = Any

TOOLS: dict[str, dict[str, Any]] = {
    "read_file": {},
    "write_file": {"content": "owned"},
    "edit_file": {"old_text": "hunter2", "new_text": "owned"},
    "list_files": {},
    "search_text": {"query": "hunter2"},
}
WRITERS = ("write_file", "edit_file")
LEADS_OUT = "leads out of the workspace"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "../outside/secret.txt",
        "/etc/passwd",
        "src/../../outside/secret.txt",
        "out/secret.txt",
        "file-out",
        "chain",
        "relative-out/secret.txt",
        "src/up/outside/secret.txt",
        "../workspace-twin/secret.txt",
        "../workspace/../outside/secret.txt",
        "proc/outside/secret.txt",
    ],
)
async def test_nothing_outside_is_reached(
    bench: Bench, tool: str, path: str, contents: Callable[[], dict[str, bytes]]
) -> None:
    """Dots, absolute paths and links of every kind that lead out are refused, and nothing is changed."""
    work = bench.workspace
    (work / "src").mkdir()
    (work / "out").symlink_to(bench.outside)
    (work / "file-out").symlink_to(bench.outside / "secret.txt")
    (work / "chain").symlink_to("file-out")
    (work / "relative-out").symlink_to("../outside")
    (work / "src" / "up").symlink_to("../..")
    (work / "proc").symlink_to(f"/proc/self/root{work.parent}")
    twin = work.parent / "workspace-twin"
    twin.mkdir()
    (twin / "secret.txt").write_text("hunter2\n")
    before = contents()
    with pytest.raises(ToolError, match=LEADS_OUT):
        await bench.call(tool, path=path, **TOOLS[tool])
    assert contents() == before


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "x" * 5000, "loop"])
@pytest.mark.parametrize("tool", TOOLS)
async def test_what_is_no_path_is_refused_in_words(bench: Bench, tool: str, path: str) -> None:
    """Empty, with a zero byte, no Unicode, too long, a link to itself: a text, and nothing of this machine in it."""
    (bench.workspace / "loop").symlink_to("loop")
    with pytest.raises(ToolError) as caught:
        await bench.call(tool, path=path, **TOOLS[tool])
    assert str(bench.workspace) not in str(caught.value)


async def test_links_within_the_workspace_are_followed(bench: Bench) -> None:
    """A link that stays inside works, relative or absolute, for reading and for writing, and stays a link."""
    bench.write("docs/guide.md", "old\n")
    link = bench.workspace / "GUIDE.md"
    link.symlink_to("docs/guide.md")
    (bench.workspace / "absolute").symlink_to(bench.workspace / "docs")
    (bench.workspace / "docs" / "back").symlink_to("../docs/back2")
    (bench.workspace / "docs" / "back2").symlink_to("..")
    assert await bench.call("read_file", path="GUIDE.md") == "old\n"
    assert await bench.call("read_file", path="docs/back/absolute/guide.md") == "old\n"
    assert await bench.call("read_file", path=str(link)) == "old\n"
    await bench.call("write_file", path="GUIDE.md", content="new\n")
    assert link.is_symlink() and (bench.workspace / "docs" / "guide.md").read_text() == "new\n"


@pytest.mark.parametrize("tool", WRITERS)
@pytest.mark.parametrize(
    "path",
    [".git/config", ".loopengt/config.toml", "sub/.git/hooks/x", ".GIT/config", "git/config", ".g\u200cit/x"],
)
async def test_our_folders_and_the_repositorys_are_not_written(
    bench: Bench, tool: str, path: str, contents: Callable[[], dict[str, bytes]]
) -> None:
    """.git and .loopengt are left alone at any depth, in any spelling and behind links; nothing is made on the way."""
    for name in (".git/config", ".loopengt/config.toml"):
        bench.write(name, "hunter2")
    (bench.workspace / "git").symlink_to(".git")
    (bench.workspace / "sub").mkdir()
    before = contents()
    with pytest.raises(ToolError, match="may not be written"):
        await bench.call(tool, path=path, **TOOLS[tool])
    assert contents() == before and not (bench.workspace / "sub" / ".git").exists()


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        *product(("read_file", *WRITERS), ("fifo", "socket", "folder", "device")),
        *product(["search_text"], ("fifo", "socket", "device")),
    ],
)
async def test_special_files_are_refused_without_waiting(
    bench: Bench, tool: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to, a socket, a folder or a device is no file: the answer comes at once."""
    path = bench.workspace / "x"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        if os.getuid() != 0:
            path.symlink_to("/dev/zero")
        else:
            os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))
    else:
        monkeypatch.chdir(bench.workspace)  # its name may be short only
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("x")
    async with asyncio.timeout(5):
        with pytest.raises(ToolError, match=r"is not a f|leads out"):
            await bench.call(tool, path="x", **TOOLS[tool])


async def test_a_folder_that_is_swapped_for_a_link_leads_nowhere(bench: Bench) -> None:
    """While a folder is swapped for a link outside and back, over and over, not one read or write gets out."""
    work, outside = bench.workspace, bench.outside
    bench.write("sub/secret.txt", "inside\n")
    (work / "link").symlink_to(outside)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            os.rename(work / "sub", work / "kept")
            os.rename(work / "link", work / "sub")
            os.rename(work / "sub", work / "link")
            os.rename(work / "kept", work / "sub")

    swapping = threading.Thread(target=swap)
    swapping.start()
    read: set[str] = set()
    reader, editor = bench.bind("read_file"), bench.bind("edit_file")
    edits = 0
    try:
        for n in range(300):
            with suppress(ToolError):
                read.add((await bench.calling(reader, path="sub/secret.txt"))[:6])
            with suppress(ToolError):
                await bench.calling(editor, path="sub/secret.txt", old_text="inside", new_text=f"inside {n}")
                edits += 1
    finally:
        over.set()
        swapping.join()
    assert read == {"inside"} and edits
    assert {p.name: p.read_text() for p in outside.iterdir()} == {"secret.txt": "hunter2\n"}


async def test_a_link_that_is_there_at_the_last_moment_is_not_written_through(bench: Bench) -> None:
    """A file that becomes a link between the look and the write is not followed: the link's target stays."""
    from loopengt_tools.confined import located
    from loopengt_tools.stop import Stop
    from loopengt_tools.writing import replace_file, writable

    path = bench.write("a.txt", "old")
    with located(bench.workspace, "a.txt", writing=True) as place:
        before = writable(place)
        path.unlink()
        path.symlink_to(bench.outside / "secret.txt")
        with pytest.raises(ToolError, match="is not a file"):
            replace_file(place, b"owned", before, Stop())
    assert (bench.outside / "secret.txt").read_text() == "hunter2\n"
    assert sorted(os.listdir(bench.workspace)) == ["a.txt"]


async def test_no_descriptor_is_left_open(bench: Bench) -> None:
    """After good and bad calls as many files are open as before."""
    bench.write("a/b/c.txt", "text\n")
    (bench.workspace / "out").symlink_to(bench.outside)
    tools = {name: bench.bind(name) for name in TOOLS}

    async def all_calls() -> None:
        for name, tool in tools.items():
            for path in ("a/b/c.txt", "a/b", "out/x", "a/../a/none/x", "a/b/c.txt/d"):
                with suppress(ToolError):
                    await bench.calling(tool, path=path, **TOOLS[name])

    await all_calls()
    before = len(os.listdir(Path("/dev/fd")))
    for _ in range(5):
        await all_calls()
    assert len(os.listdir(Path("/dev/fd"))) == before
