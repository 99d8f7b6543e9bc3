"""Archives that are damaged, or were made to do harm: each is refused, and nothing is left of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.archive.paths import as_bytes, as_text, leads_outside
from loopengt.errors import ArchiveError

from .archive_kit import (
    Change,
    Found,
    Place,
    add_entry,
    edit_files,
    edit_journal,
    members,
    pack,
    put_file,
    rebuild,
    refused,
)

if TYPE_CHECKING:
    from pathlib import Path


def add_links(*links: tuple[str, str]) -> Change:
    """Return a change that adds links to the workspace."""

    def change(found: Found) -> None:
        edit_files(
            found,
            lambda files: files.extend(
                {"path": path, "kind": "link", "content": target} for path, target in links
            ),
        )

    return change


PATHS = [
    "../evil",
    "/tmp/evil",
    "a/../../evil",
    "..",
    ".",
    "",
    "a//b",
    "a/./b",
    "a/",
    "%00",
    "%2e%2e/evil",
    "%2Ftmp/evil",
    ".git/hooks/pre-commit",
    "sub/.GIT/config",
    ".loopengt/config.toml",
    "a" * 5000,
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
async def test_paths_that_lead_elsewhere(there: Place, file: Path, path: str) -> None:
    """Absolute paths, ways upwards, odd spellings, git's and our own folders are refused."""
    rebuild(file, add_entry(path))
    await refused(there, file, "the archive names a file")


LINKS = [
    [("evil", "/etc/passwd")],
    [("evil", "../../../etc")],
    [("folder/evil", "../..")],
    [("up", "folder/.."), ("evil", "up/..")],
    [("one", "two"), ("two", "/etc")],
    [("deep", "folder"), ("evil", "deep/../..")],
    # Each is inside when read by itself: the second goes up from where the first leads.
    [("x/y/up", ".."), ("evil", "x/y/up/../..")],
    [("a/b/c/top", "../../.."), ("evil", "a/b/c/top/../x")],
]


@pytest.mark.parametrize("links", LINKS, ids=range(len(LINKS)))
async def test_links_that_lead_elsewhere(there: Place, file: Path, links: list[tuple[str, str]]) -> None:
    """Links that lead out of the workspace, straight or through other links, are refused."""
    rebuild(file, add_links(*links))
    await refused(there, file, "leads out of the workspace")


async def test_links_that_stay_inside(there: Place, file: Path) -> None:
    """Links to each other, to what is not there, in circles and to the workspace itself do no harm."""
    links = [
        ("self", "."),
        ("ring", "ring2"),
        ("ring2", "ring"),
        ("none", "folder/none"),
        ("up", "folder/.."),
    ]
    rebuild(file, add_links(*links))
    await there.take_in(file)
    root = there.workspace()
    assert {name: os.readlink(root / name) for name, _ in links} == dict(links)


async def test_a_link_without_a_target(there: Place, file: Path) -> None:
    """A link that names nothing, or something that no system could, is refused."""
    for target in ("", "a%00b"):
        rebuild(file, add_links(("evil", target)))
        await refused(there, file, "leads nowhere")


async def test_a_file_below_a_link(there: Place, file: Path) -> None:
    """No file is written through a link, or below a file."""
    rebuild(file, add_entry("link/evil"))
    await refused(there, file, "which is no folder")
    rebuild(file, lambda found: edit_files(found, lambda files: files.pop()))


async def test_the_same_file_twice(there: Place, file: Path) -> None:
    """A path that is listed twice is refused, with whatever kind."""
    rebuild(file, add_entry("link"))
    await refused(there, file, "twice")


HEADERS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda told: told.update(format=2), "format 2, and this loopengt reads up to 1(.|\n)*upgrade"),
    (lambda told: told.update(format="new"), "cannot be read"),
    (lambda told: told.update(extra=1), "cannot be read"),
    (lambda told: told.pop("runs"), "cannot be read"),
    (lambda told: told.update(runs=[]), "does not hold the run"),
    (lambda told: told.update(run="run-2"), "does not hold the run"),
    (lambda told: told["runs"][0]["row"].update(run_id="../../evil"), "does not hold the run"),
    (lambda told: told["runs"][0]["row"].update(parent="run-0"), "does not hold the run"),
    (lambda told: told["runs"][0]["row"].update(status="\x1b[2J"), "in no state"),
    (lambda told: told["runs"][0]["row"].update(reason="\x1b[2J"), "in no state"),
    (lambda told: told["runs"][0]["row"].update(started_at=1e300), "in no state"),
    (lambda told: told["runs"][0]["row"].update(started_at=-1e300), "in no state"),
    (lambda told: told["runs"][0]["row"].update(tokens=1 << 70), "cannot be read|in no state"),
    (lambda told: told["runs"][0]["row"].update(owner="me"), "in no state"),
    (lambda told: told["runs"][0]["row"].update(loop_name="other"), "that of another"),
    (lambda told: told["runs"][0].update(events=99), "that of another"),
    (lambda told: told["runs"][0].update(journal="manifest.json"), "not those of its runs"),
    (lambda told: told["runs"].append(told["runs"][0]), "not those of its runs"),
    (lambda told: told["members"].pop("runs/0.jsonl"), "is not in its manifest"),
    (
        lambda told: told["members"].update({f"files/{'0' * 64}": {"size": 1, "sha256": "0" * 64}}),
        "is missing",
    ),
    (lambda told: told["members"]["runs/0.jsonl"].update(size=1), "another size"),
    (lambda told: told["members"]["runs/0.jsonl"].update(sha256="0" * 64), "does not match its checksum"),
]


@pytest.mark.parametrize(("change", "why"), HEADERS, ids=range(len(HEADERS)))
async def test_manifests_that_lie(
    there: Place, file: Path, change: Callable[[dict[str, Any]], object], why: str
) -> None:
    """A manifest that is of a newer format, incomplete, or says other than what is there, is refused."""
    rebuild(file, lambda found: None, change)
    await refused(there, file, why)


@pytest.mark.parametrize(
    "run_id", ["../evil", "a/b", "a..b", ".hidden", "-x", "a.lock", "a\n", "x" * 300, "é"]
)
async def test_run_ids_that_are_none(there: Place, file: Path, run_id: str) -> None:
    """A run whose id could not be the name of a folder and of a branch is refused."""

    def rename(told: dict[str, Any]) -> None:
        told["run"] = told["runs"][0]["row"]["run_id"] = run_id

    rebuild(
        file, lambda found: edit_journal(found, lambda events: events[0][4].update(run_id=run_id)), rename
    )
    await refused(there, file, "cannot be called that")


JOURNALS: list[tuple[Callable[[list[Any]], object], str]] = [
    (lambda events: events.pop(1), "has event 3 where 2"),
    (lambda events: events.clear(), "is empty"),
    (lambda events: events.reverse(), "where 1 should stand"),
    (lambda events: events[0].__setitem__(1, "custom"), "begins with 'custom'"),
    (lambda events: events[1].__setitem__(4, {}), "makes no sense"),
    (lambda events: events[1].__setitem__(4, []), "cannot be read"),
    (lambda events: events.append("event"), "cannot be read"),
    (lambda events: events[0][4].update(run_id="run-2"), "that of another"),
    (lambda events: events[0][4].pop("spec"), "lacks the spec"),
    (lambda events: events[0][4].update(spec="0" * 64), "lacks the spec"),
    (lambda events: events[0][4].update(steps=7), "makes no sense"),
]


@pytest.mark.parametrize(("change", "why"), JOURNALS, ids=range(len(JOURNALS)))
async def test_journals_that_are_none(
    there: Place, file: Path, change: Callable[[list[Any]], object], why: str
) -> None:
    """A journal with gaps, without sense or of another run is refused, though all checksums are right."""
    rebuild(file, lambda found: edit_journal(found, change))
    await refused(there, file, why)


async def test_deep_nesting(there: Place, file: Path) -> None:
    """JSON that is nested too deep to be read is refused, in a journal, in the list of files and in the manifest."""
    deep = b"[" * 200_000 + b"]" * 200_000
    whole = members(file)
    for name in ("runs/0.jsonl", "workspace.json"):
        pack(file, whole)
        rebuild(file, lambda found, name=name: found.update({name: deep + b"\n"}))  # type: ignore[misc]  # bound now
        await refused(there, file, "cannot be read")
    pack(file, whole | {"manifest.json": deep})
    await refused(there, file, "cannot be read")


async def test_content_under_a_wrong_name(there: Place, file: Path) -> None:
    """A blob or file whose name is not the digest of its content is refused."""
    for folder in ("blobs", "files"):
        whole = members(file)
        rebuild(file, lambda found, folder=folder: found.update({f"{folder}/{'0' * 64}": b"x"}))  # type: ignore[misc]
        await refused(there, file, "not named by its content")
        pack(file, whole)


async def test_files_that_nobody_lists(there: Place, file: Path) -> None:
    """A file that the workspace does not list, or lists and has not, is refused."""
    whole = members(file)
    rebuild(file, lambda found: put_file(found, b"stray"))
    await refused(there, file, "not those of its workspace")
    pack(file, whole)
    rebuild(file, add_entry("evil", content="0" * 64))
    await refused(there, file, "not those of its workspace")


@pytest.mark.parametrize(
    "path", [b"plain", b"a b/c", b"\xff\xfe", "é/ü".encode(), b"100%", b"a\nb", b"?*:", b"\\", b"%41"]
)
def test_paths_are_written_one_way(path: bytes) -> None:
    """Any path comes back as it was, and another way to write it is refused."""
    text = as_text(path)
    assert text.isprintable()
    assert as_bytes(text) == path
    assert json.loads(json.dumps(text)) == text
    for other in (text + "%41", text.replace("%", "%25", 1) + "%ff", "%61"):
        if as_text(bytes(other, "ascii", "replace")) != other and other != text:
            with pytest.raises(ArchiveError):
                as_bytes(other)


def test_long_chains_of_links_end() -> None:
    """A chain of links that doubles at every step is not followed to its end."""
    links = {(f"l{number}".encode(),): f"l{number + 1}/l{number + 1}".encode() for number in range(60)}
    assert not leads_outside((b"l0",), links[(b"l0",)], links)
