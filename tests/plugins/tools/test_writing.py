"""``write_file`` and ``edit_file``: whole or not at all, exact, and safe when many calls meet."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError

Bench = Any


async def test_a_file_is_made_with_its_folders_and_replaced(bench: Bench) -> None:
    """What is missing on the way is made; a second write replaces all, and nothing else is left in the folder."""
    assert await bench.call("write_file", path="a/b/ü.txt", content="é\n") == "Made a/b/ü.txt (3 bytes)."
    assert await bench.call("write_file", path="a/b/ü.txt", content="") == "Replaced a/b/ü.txt (0 bytes)."
    assert [p.name for p in (bench.workspace / "a" / "b").iterdir()] == ["ü.txt"]


async def test_nothing_is_made_deeper_than_others_can_reach(bench: Bench) -> None:
    """A file some hundred folders down is made, one deeper is refused: each level is an open descriptor meanwhile."""
    assert (await bench.call("write_file", path="d/" * 100 + "x", content="")).startswith("Made d/d/")
    for path in ("d/" * 101 + "x", "e/" * 3_000 + "x"):
        with pytest.raises(ToolError, match="is nested too deeply: tools go into 100 folders at most"):
            await bench.call("write_file", path=path, content="")


async def test_permissions_stay(bench: Bench) -> None:
    """An executable file is executable after a write and an edit; a new one has the usual permissions."""
    path = bench.write("run.sh", "echo 1\n")
    path.chmod(0o754)
    await bench.call("write_file", path="run.sh", content="echo 2\n")
    await bench.call("edit_file", path="run.sh", old_text="2", new_text="3")
    assert stat.S_IMODE(path.stat().st_mode) == 0o754 and path.read_text() == "echo 3\n"
    usual = bench.write("usual", "").stat().st_mode
    await bench.call("write_file", path="new", content="")
    assert (bench.workspace / "new").stat().st_mode == usual


async def test_a_read_only_file_and_a_hard_links_other_end_stay(bench: Bench) -> None:
    """Without any write permission a file is refused, and what shares its bytes by a hard link keeps them."""
    path = bench.write("locked", "old")
    path.chmod(0o444)
    with pytest.raises(ToolError, match="locked is read-only"):
        await bench.call("write_file", path="locked", content="new")
    os.link(bench.outside / "secret.txt", bench.workspace / "hard")
    await bench.call("write_file", path="hard", content="new")
    assert (bench.outside / "secret.txt").read_text() == "hunter2\n"


async def test_what_cannot_be_written_is_refused_and_leaves_nothing(bench: Bench) -> None:
    """The workspace itself, a folder, a way through a file and text that is no Unicode are errors in words."""
    bench.write("file", "x")
    (bench.workspace / "folder").mkdir()
    for path, content, said in (
        (".", "x", r"\. is a folder"),
        ("folder/..", "x", "is a folder"),
        ("folder", "x", "folder is not a file"),
        ("file/x", "x", "file is not a folder"),
        ("ok", "\ud800", "not valid Unicode at character 0"),
        ("n" * 300, "x", "name too long"),
    ):
        with pytest.raises(ToolError, match=said):
            await bench.call("write_file", path=path, content=content)
    assert sorted(os.listdir(bench.workspace)) == ["file", "folder"]


# -- editing -------------------------------------------------------------------------


async def test_an_edit_shows_what_it_has_changed(bench: Bench) -> None:
    """The answer is a small diff with line numbers."""
    path = bench.write("a.py", "".join(f"line {n}\n" for n in range(1, 21)))
    said = await bench.call("edit_file", path="a.py", old_text="line 10\n", new_text="ten\nand more\n")
    assert said.split("\n") == [
        *("Replaced once in a.py:", "@@ -7,8 +7,9 @@", " line 7", " line 8", " line 9"),
        *("-line 10", "+ten", "+and more", " line 11", " line 12", " line 13", " line 14"),
    ]
    assert path.read_text().split("\n")[8:12] == ["line 9", "ten", "and more", "line 11"]


async def test_a_text_that_is_there_more_than_once_needs_replace_all(bench: Bench) -> None:
    """The error names the lines; replace_all replaces each, and a deletion is an edit, too."""
    path = bench.write("a.txt", "x = 1\ny = 1\nz = 2\n")
    with pytest.raises(ToolError, match=r"old_text is in a.txt 2 times \(lines 1, 2\)"):
        await bench.call("edit_file", path="a.txt", old_text=" = 1", new_text="")
    said = await bench.call("edit_file", path="a.txt", old_text=" = 1", new_text="", replace_all=True)
    assert said.startswith("Replaced 2 times in a.txt:") and path.read_text() == "x\ny\nz = 2\n"


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"\xef\xbb\xbfa\r\nb\r\nc\r\n", "a\nb\n", "1\n2\n3\n", b"\xef\xbb\xbf1\r\n2\r\n3\r\nc\r\n"),
        (b"a\r\nb\n", "a\nb", "x\ny", b"x\r\ny\n"),
        (b"a\r\nb\nc\nd\n", "b\nc", "x\ny", b"a\r\nx\ny\nd\n"),
        (b"caf\xe9 = 1", "= 1", "= 2", b"caf\xe9 = 2"),
        (b"no end", "end", "end at all", b"no end at all"),
    ],
)
async def test_all_other_bytes_stay(bench: Bench, before: bytes, old: str, new: str, after: bytes) -> None:
    """Line ends, a byte order mark, bytes that are not UTF-8 and a missing last line end are kept."""
    path = bench.write("a.txt", before)
    await bench.call("edit_file", path="a.txt", old_text=old, new_text=new)
    assert path.read_bytes() == after


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        ("if a:\n    b\n", "if a:\n  b", "x", "but with other white space it is at line 1"),
        ("abc\n", "xyz", "q", "old_text is not in a.txt\nRead the file"),
        ("abc\n", "b", "b", "are the same"),
        ("new here\n", "old", "new", "seems to have been made before"),
        ("aXa\n", "a", "aXa", "only as a part of new_text"),
        ("a\0b", "a", "c", "is not text"),
    ],
)
async def test_an_edit_that_cannot_be_made_says_why(
    bench: Bench, text: str, old: str, new: str, said: str
) -> None:
    """The text differs in white space, is not there, is there already, or the file is binary: nothing is changed."""
    path = bench.write("a.txt", text)
    with pytest.raises(ToolError, match=said):
        await bench.call("edit_file", path="a.txt", old_text=old, new_text=new, replace_all=True)
    assert path.read_text() == text


async def test_a_repeated_edit_does_no_harm(bench: Bench) -> None:
    """What a crash may repeat is made once: also where the old text is a part of the new one."""
    path = bench.write("a.txt", "import os\nid = 1\n")
    for old, new in (("import os\n", "import os\nimport sys\n"), ("id", "user_id")):
        await bench.call("edit_file", path="a.txt", old_text=old, new_text=new, replace_all=True)
        with pytest.raises(ToolError, match="nothing was changed"):
            await bench.call("edit_file", path="a.txt", old_text=old, new_text=new, replace_all=True)
    assert path.read_text() == "import os\nimport sys\nuser_id = 1\n"


async def test_random_edits_are_exact_and_never_made_twice(bench: Bench) -> None:
    """An edit of one place is what replacing those bytes gives, and a second one like it is refused."""
    random = Random(7)
    path, edit, made = bench.write("a.txt", ""), bench.bind("edit_file"), 0

    def text(least: int, most: int) -> str:
        return "".join(random.choice("ab\n") for _ in range(random.randint(least, most)))

    for _ in range(400):
        before, old, new = text(0, 12), text(1, 3), text(0, 4)
        path.write_text(before)
        try:
            await bench.calling(edit, path="a.txt", old_text=old, new_text=new)
        except ToolError:
            assert path.read_text() == before
            continue
        made += 1
        assert path.read_text() == before.replace(old, new)
        with pytest.raises(ToolError):
            await bench.calling(edit, path="a.txt", old_text=old, new_text=new)
    assert made > 20


async def test_parallel_edits_of_one_file_are_all_made(bench: Bench) -> None:
    """Forty calls at once, through a link and by the real name, each change their own line."""
    path = bench.write("real/a.txt", "".join(f"<{n}>\n" for n in range(40)))
    (bench.workspace / "link").symlink_to("real")
    edit = bench.bind("edit_file")
    await asyncio.gather(
        *(
            bench.calling(edit, path=f"{('real', 'link')[n % 2]}/a.txt", old_text=f"<{n}>", new_text=f"[{n}]")
            for n in range(40)
        )
    )
    assert path.read_text() == "".join(f"[{n}]\n" for n in range(40))


async def test_a_reader_never_sees_a_part(bench: Bench) -> None:
    """While a file is rewritten over and over, every read gives one of the whole texts."""
    texts = {letter: letter * 200_000 for letter in "ab"}
    path = bench.write("a.txt", texts["a"])
    over, seen = threading.Event(), set()

    def read() -> None:
        while not over.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(20):
        await bench.call("write_file", path="a.txt", content=texts["ab"[n % 2]])
    over.set()
    reader.join()
    assert seen <= set(texts.values())


async def test_a_cancelled_write_writes_nothing(bench: Bench) -> None:
    """A write that waits for another one is given up when its call is cancelled, and does not happen later."""
    from loopengt_tools.confined import located
    from loopengt_tools.writing import alone

    path = bench.write("a.txt", "old")
    threads = set(threading.enumerate())
    with located(bench.workspace, "a.txt") as place, alone(place):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await bench.call("write_file", path="a.txt", content="new")
        waiting = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in waiting:
        thread.join(10)
    assert waiting and path.read_text() == "old"


async def test_each_tool_says_what_a_second_call_would_do(bench: Bench) -> None:
    """Tools that only look have no effects, so that nobody is asked about them after a crash; the spec may differ."""
    effects = {}
    for name in ("read_file", "write_file", "edit_file", "list_files", "search_text"):
        (offer,) = await bench.bind(name).offers(Path())
        effects[name] = offer.effects
    assert [name for name, effect in effects.items() if effect is Effects.NONE] == [
        *("read_file", "list_files", "search_text")
    ]
    (offer,) = await bench.bind("write_file", effects="once", description="Mine").offers(Path())
    assert (offer.effects, offer.description, offer.source) == (Effects.ONCE, "Mine", "builtin")
