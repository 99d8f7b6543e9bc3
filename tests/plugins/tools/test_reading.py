"""``read_file``, ``list_files`` and ``search_text`` with files that are large, binary, oddly named or many."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from typing import Any

import pytest

from loopengt_hookspecs.tools import ToolError

Bench = Any


async def test_lines_are_read_from_an_offset_with_a_note_on_the_rest(bench: Bench) -> None:
    """Offset and limit choose lines, and the note's offset reads on where the part ends."""
    bench.write("a.txt", "".join(f"line {n}\n" for n in range(1, 8)))
    first = await bench.call("read_file", path="a.txt", limit=3)
    assert first == "line 1\nline 2\nline 3\n[more follows: read on with offset=4]"
    assert await bench.call("read_file", path="a.txt", offset=4) == "line 4\nline 5\nline 6\nline 7\n"
    assert await bench.call("read_file", path="a.txt", limit=7) == "".join(f"line {n}\n" for n in range(1, 8))
    with pytest.raises(ToolError, match="ends with line 7, so there is no line 8"):
        await bench.call("read_file", path="a.txt", offset=8)


async def test_a_long_file_is_read_piece_by_piece_without_loss(bench: Bench) -> None:
    """Following the notes gives every line once, and no piece is larger than max_output_bytes and its note."""
    text = "".join(f"{n}: {'ü' * (n % 50)}\n" for n in range(2_000))
    bench.write("long.txt", text)
    offset, pieces = 1, []
    while True:
        said = await bench.call("read_file", {"max_output_bytes": 5_000}, path="long.txt", offset=offset)
        assert len(said.encode()) < 5_100
        body, marked, note = said.rpartition("[more follows: read on with offset=")
        pieces.append(body if marked else said)
        if not marked:
            break
        offset = int(note.rstrip("]"))
    assert "".join(pieces) == text


async def test_a_gigabyte_is_not_read_whole(bench: Bench) -> None:
    """The beginning of a huge text, a huge line, and a sparse file of zeros are answered in little time and memory."""
    with open(bench.write("huge.txt", "first\nsecond\n"), "r+b") as file:
        file.truncate(1 << 30)
    with open(bench.write("text.txt", "first line\n" + "x" * 1_000_000), "r+b") as file:
        file.seek(1 << 30)
        file.write(b"\nlast\n")
    tracemalloc.start()
    try:
        async with asyncio.timeout(5):
            said = await bench.call("read_file", path="text.txt", limit=1)
            line = await bench.call("read_file", path="text.txt", offset=2)
            with pytest.raises(ToolError, match="is not text"):
                await bench.call("read_file", path="huge.txt")
            assert await bench.call("search_text", query="first") == "\n".join(
                ["[no matches]", "[not searched, for they have more than 10,000,000 bytes: text.txt]"]
            )
            with pytest.raises(ToolError, match="the most that can be edited"):
                await bench.call("edit_file", path="text.txt", old_text="first", new_text="x")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert said == "first line\n[more follows: read on with offset=2]"
    assert line == "x" * 50_000 + "\n[line 2 is longer than 50,000 bytes and is cut; behind it is offset=3]"


async def test_odd_text_is_shown_as_text(bench: Bench) -> None:
    """Line ends, a byte order mark, bytes that are not UTF-8, an empty file: shown, with a note on what is hidden."""
    bench.write("dos.txt", b"\xef\xbb\xbfa\r\nb\r\n")
    bench.write("latin.txt", "caf\xe9\n".encode("latin-1"))
    bench.write("empty.txt", "")
    said = await bench.call("read_file", path="dos.txt")
    assert said == "a\nb\n[the file's line ends are \\r\\n; edit_file keeps them]"
    assert "not UTF-8" in await bench.call("read_file", path="latin.txt")
    assert await bench.call("read_file", path="empty.txt") == "[the file is empty]"
    bench.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0")
    with pytest.raises(ToolError, match=r"is not text: it has zero bytes \(11 bytes in all\)"):
        await bench.call("read_file", path="image.png")


async def test_a_file_that_is_not_there_is_said_to_be_missing(bench: Bench) -> None:
    """The text names the path as it was given and what to do."""
    for path, what in (("none.txt", "no file none.txt"), ("no/way.txt", "there is no no ")):
        with pytest.raises(ToolError, match=f"{what}.*in the workspace\nlist_files shows|{what}"):
            await bench.call("read_file", path=path)


# -- listing -------------------------------------------------------------------------


async def test_folders_are_listed_sorted_to_a_depth(bench: Bench) -> None:
    """Marks say what an entry is; deeper levels, packages and caches are left out, and the latter are named."""
    for name in ("b/c/d/e/deep.py", "a.py", "b/x.py", ".git/config", "node_modules/m/i.js", ".loopengt/x"):
        bench.write(name, "x")
    (bench.workspace / "link").symlink_to(bench.outside)
    os.mkfifo(bench.workspace / "pipe")
    listed = (await bench.call("list_files")).split("\n")
    assert listed == [
        *("a.py", "b/", "b/c/", "b/c/d/", "b/x.py", "link@", "pipe|"),
        "[left out: .git/, .loopengt/, node_modules/]",
    ]
    assert (await bench.call("list_files", depth=1)).split("\n")[:2] == ["a.py", "b/"]
    everything = await bench.call("list_files", all=True)
    assert "node_modules/m/i.js" in everything and "config" not in everything
    assert await bench.call("list_files", path="b/c", depth=1) == "b/c/d/"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.py", ["a.py", "src/b.py", "src/deep/er/test_c.py"]),
        ("src/*.py", ["src/b.py"]),
        ("src/**/*.py", ["src/b.py", "src/deep/er/test_c.py"]),
        ("**/er/*", ["src/deep/er/test_c.py"]),
        ("./a.p?", ["a.py"]),
        ("s[a-z]c", ["src/"]),
        ("**/" * 300 + "*.py", ["a.py", "src/b.py", "src/deep/er/test_c.py"]),
        ("*" * 900 + "q", ["[nothing fits the pattern]"]),
    ],
)
async def test_patterns_choose_what_is_listed(bench: Bench, pattern: str, found: list[str]) -> None:
    """A pattern without a slash fits at any depth, one with a slash from the folder on; none of them takes long."""
    for name in ("a.py", "b.txt", "src/b.py", "src/deep/er/test_c.py"):
        bench.write(name, "x")
    async with asyncio.timeout(5):
        assert (await bench.call("list_files", pattern=pattern)).split("\n") == found


async def test_a_huge_folder_is_cut_with_a_note(bench: Bench) -> None:
    """Of thousands of entries the first ones by name are listed."""
    for n in range(3_000):
        (bench.workspace / f"f{n:04}").touch()
    lines = (await bench.call("list_files")).split("\n")
    assert lines[:2] == ["f0000", "f0001"] and len(lines) == 1_001
    assert lines[-1] == "[more than 1,000: give a pattern, a smaller depth, or a folder as path]"
    short = await bench.call("list_files", {"max_output_bytes": 1_000})
    assert len(short) < 1_100 and short.endswith(
        "[the list is cut here: give a pattern, or a folder as path]"
    )


async def test_names_of_every_kind_are_told(bench: Bench) -> None:
    """Unicode names are shown and read; bytes that are no Unicode, and line ends, cannot break the list."""
    name = "grüße 你好 🎉.txt"
    bench.write(name, "hallo\n")
    with open(os.fsencode(bench.workspace) + b"/bad\xff", "wb"):
        pass
    bench.write("two\nlines", "")
    assert (await bench.call("list_files")).split("\n") == ["bad\ufffd", name, "two\\nlines"]
    assert await bench.call("read_file", path=name) == "hallo\n"


async def test_deep_folders_end_the_list_and_not_the_process(bench: Bench) -> None:
    """Hundreds of nested folders are listed as far as it goes, and that is said."""
    here = os.open(bench.workspace, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    said = await bench.call("list_files", depth=1_000)
    assert said.count("\n") == 100 and "is nested too deeply" in said


# -- searching -----------------------------------------------------------------------


async def test_text_is_found_with_file_and_line(bench: Bench) -> None:
    """Plain text is taken as it is, case counts unless told otherwise, and context is marked."""
    bench.write("a.py", "import os\nprint(a.b)\nend\n")
    bench.write("src/b.py", "A.B\r\naxb\n")
    bench.write("bin", b"a.b\0")
    bench.write("node_modules/x.py", "a.b")
    assert await bench.call("search_text", query="a.b") == "a.py:2:print(a.b)\n[left out: node_modules/]"
    said = await bench.call("search_text", query="a.b", ignore_case=True, context=1)
    assert said.split("\n")[:-1] == [
        *("a.py-1-import os", "a.py:2:print(a.b)", "a.py-3-end"),
        *("--", "src/b.py:1:A.B", "src/b.py-2-axb"),
    ]
    assert await bench.call("search_text", query="a.b", path="src", regex=True) == "src/b.py:2:axb"
    assert await bench.call("search_text", query="a.b", files="*.txt") == "\n".join(
        ["[no matches]", "[left out: node_modules/]"]
    )
    assert await bench.call("search_text", query="end", path="a.py") == "a.py:3:end"


async def test_context_shows_each_line_once(bench: Bench) -> None:
    """Where matches are close together their contexts join; where they are not, a line of dashes is between them."""
    bench.write("a", "\n".join("x" if n in (2, 3, 5, 12) else str(n) for n in range(16)))
    said = await bench.call("search_text", query="x", context=1)
    assert said.split("\n") == [
        *("a-2-1", "a:3:x", "a:4:x", "a-5-4", "a:6:x", "a-7-6", "--", "a-12-11", "a:13:x", "a-14-13"),
    ]


async def test_a_regular_expression_that_takes_for_ever_is_ended(bench: Bench) -> None:
    """Catastrophic backtracking costs the seconds that it is given, and neither the event loop nor the process."""
    bench.write("a.txt", "a" * 50 + "b\n")
    with pytest.raises(ToolError, match=r"took more than 0\.5 seconds"):
        await bench.call("search_text", {"regex_seconds": 0.5}, query="(a+)+$", regex=True)


async def test_what_cannot_be_searched_for_is_refused(bench: Bench) -> None:
    """A broken expression, a pattern that is none and a query of two lines are errors in words."""
    for arguments, said in (
        ({"query": "(", "regex": True}, "regular expression cannot be used"),
        ({"query": "a\nb"}, "lines are searched one by one"),
        ({"query": "a", "files": "/"}, "a pattern is such as"),
        ({"query": "a", "files": "", "regex": True}, "a pattern is such as"),
        ({"query": "a", "path": "none", "regex": True}, "there is no folder none"),
    ):
        with pytest.raises(ToolError, match=said):
            await bench.call("search_text", **arguments)


async def test_many_matches_and_long_lines_are_cut(bench: Bench) -> None:
    """There are at most as many matches as asked for, and of a long line the part around the match."""
    bench.write("a.txt", "x\n" * 500)
    bench.write("b.txt", "y" * 5_000 + "needle" + "y" * 5_000)
    said = await bench.call("search_text", query="x", limit=10)
    assert said.split("\n")[9:] == ["a.txt:10:x", "[more than 10 matches: narrow it with path or files]"]
    line = await bench.call("search_text", query="needle")
    assert "yneedley" in line and len(line) < 500
