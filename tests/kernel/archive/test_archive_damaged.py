"""Files that are damaged, are no archives, or unpack to more than they should: each is refused."""

from __future__ import annotations

import random
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.archive import remove_family
from loopengt.errors import ArchiveError

from .archive_kit import Place, add_entry, members, pack, put_file, rebuild, refused

if TYPE_CHECKING:
    from pathlib import Path


async def test_members_of_other_names(there: Place, file: Path) -> None:
    """A member that no export writes is refused, whatever it is called."""
    whole = members(file)
    for name in (
        "evil",
        "../evil",
        "/tmp/evil",
        "runs/../../evil",
        "runs/0.jsonl/",
        "files/x",
        "manifest.json/",
    ):
        pack(file, whole | {name: b"evil"})
        await refused(there, file, "which no loopengt has put there")


@pytest.mark.filterwarnings("ignore:Duplicate name")
async def test_members_of_one_name(there: Place, file: Path) -> None:
    """Two members of one name are refused: it would depend on the reader which of them counts."""
    with zipfile.ZipFile(file, "a") as opened:
        opened.writestr("runs/0.jsonl", b"[]\n")
    await refused(there, file, "twice")


async def test_other_compressions(there: Place, file: Path) -> None:
    """Only the compression that an export uses is unpacked."""
    whole = members(file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as opened:
        for name, data in whole.items():
            opened.writestr(name, data)
    await refused(there, file, "compressed in an unknown way")


async def test_bombs(there: Place, file: Path) -> None:
    """An archive that unpacks to more than is allowed is refused before it is unpacked, by what it says of itself."""
    rebuild(file, lambda found: add_entry("zeros", content=put_file(found, bytes(5_000_000)))(found))
    assert file.stat().st_size < 50_000
    await refused(
        there, file, "unpacks to 5 MB, more than the 1 MB allowed(.|\n)*--max-size", most_bytes=1_000_000
    )
    await there.take_in(file)


async def test_bombs_that_lie(there: Place, file: Path) -> None:
    """An archive that says it is small, in its directory, is not unpacked beyond what it says."""
    rebuild(file, lambda found: add_entry("zeros", content=put_file(found, bytes(5_000_000)))(found))
    raw = file.read_bytes()
    assert raw.count((5_000_000).to_bytes(4, "little")) >= 1
    file.write_bytes(raw.replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    await refused(there, file, "damaged", most_bytes=1_000_000)


async def test_what_is_no_archive(there: Place, file: Path, tmp_path: Path) -> None:
    """Another file, an empty one, a folder, another zip file and nothing at all are refused."""
    other = tmp_path / "other.zip"
    await refused(there, other, "cannot be read")
    for content in (b"", b"text", b"PK\x05\x06" + bytes(18), bytes(10_000)):
        other.write_bytes(content)
        await refused(there, other, "no archive of a run")
    pack(other, {"manifest.json": b"\xff"})
    await refused(there, other, "cannot be read")
    other.unlink()
    other.mkdir()
    await refused(there, other, "cannot be read")


async def test_every_cut(there: Place, file: Path) -> None:
    """An archive that was cut off anywhere is refused."""
    raw = file.read_bytes()
    for size in range(0, len(raw), 211):
        file.write_bytes(raw[:size])
        await refused(there, file, "damaged")


@pytest.mark.slow
async def test_every_flipped_bit_is_seen_or_does_no_harm(there: Place, file: Path) -> None:
    """With one bit wrong an archive is refused, or what comes of it is the same as without."""
    raw = file.read_bytes()
    chance = random.Random(7)
    harmless = 0
    whole = members(file)
    for _ in range(80):
        place, bit = chance.randrange(len(raw)), 1 << chance.randrange(8)
        file.write_bytes(raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :])
        try:
            await there.take_in(file)
        except ArchiveError:
            assert await there.is_untouched()
            continue
        harmless += 1
        assert members(file) == whole
        assert (there.workspace() / "folder" / "file").read_text() == "text\n" * 50
        async with there.kernel.storage() as storage:
            (row,) = await storage.rows()
            engine: Any = there.kernel.engine()
            await remove_family(storage, row, first=partial(engine.discard_workspace, "run-1"))
    assert harmless < 60
