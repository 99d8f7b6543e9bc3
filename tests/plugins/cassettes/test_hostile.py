"""Recordings that were tampered with: nothing is written outside the workspace, and nothing else is believed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest

    from .conftest import Studio


async def tampered(studio: Studio, change: Callable[[dict[str, Any]], Any]) -> Any:
    """Record a call, change its cassette, and replay it in a copy that has a link to the folder ``outside``."""
    outside = studio.project.parent / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (studio.project / "way").symlink_to(outside)
    copy = studio.copy()
    await studio.record(ScriptedAgent("done"), loop_spec())
    path = studio.tape / "calls" / "work.1.1.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    result = await studio.replay(copy, loop_spec())
    assert {file.name: file.read_text() for file in outside.iterdir()} == {"kept.txt": "kept"}
    return result


FILE = {"mode": "644", "text": "evil"}


@pytest.mark.parametrize(
    "path",
    [
        "../evil.txt",
        "/tmp/evil.txt",
        "way/evil.txt",
        "way/kept.txt",
        ".git/hooks/pre-commit",
        "a/.loopengt/x",
        "a//b",
        "",
    ],
)
@pytest.mark.parametrize("entry", [FILE, None, {"link": "x"}], ids=["file", "deletion", "link"])
async def test_no_path_leads_out_of_the_workspace(studio: Studio, path: str, entry: Any) -> None:
    """Paths with dots, absolute ones, those behind links that lead out, and those of git and loopengt are refused."""
    result = await tampered(studio, lambda data: data["patch"].update({path: entry}))
    assert result.end.reason is EndReason.FAILED
    assert "a recorded file has the path" in result.end.detail or "behind a link" in result.end.detail


async def test_a_link_of_the_patch_itself_is_not_followed(studio: Studio) -> None:
    """A patch that makes a link and then writes through it gets no further than the link."""

    def change(data: dict[str, Any]) -> None:
        outside = studio.project.parent / "outside"
        data["patch"] = {"to": {"link": str(outside)}, "to/evil.txt": FILE}

    result = await tampered(studio, change)
    assert "lies behind a link that leads out of the workspace" in result.end.detail


async def test_a_link_in_the_place_of_a_file_is_replaced(studio: Studio) -> None:
    """What a link points to is not written when the patch has a file of its name."""

    def change(data: dict[str, Any]) -> None:
        data["patch"] = {"way": FILE}

    result = await tampered(studio, change)
    assert result.end.reason is EndReason.GOAL_MET
    copy = studio.copies / "copy"
    assert not (copy / "way").is_symlink()
    assert (copy / "way").read_text() == "evil"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"mode": "644", "blob": "../../../etc/passwd"}, "lacks the blob"),
        ({"mode": "644", "blob": "0" * 64}, "lacks the blob"),
        ({"mode": "rwx", "text": "x"}, "cannot be read"),
        ({"text": "x"}, "cannot be read"),
        ({"link": ""}, "cannot be read"),
        (17, "cannot be read"),
    ],
)
async def test_entries_that_are_none_are_refused(studio: Studio, entry: Any, words: str) -> None:
    """A blob is named by its digest and nothing else, and an entry has the form that a recording gives it."""
    result = await tampered(studio, lambda data: data["patch"].update({"a.txt": entry}))
    assert result.end.reason is EndReason.FAILED
    assert words in result.end.detail
    assert not (studio.copies / "copy" / "a.txt").exists()


async def test_a_blob_that_was_changed_is_refused(studio: Studio) -> None:
    """A content that does not have its digest any more is damage, and not applied."""

    def work(request: Any) -> str:
        (request.workspace / "large.txt").write_text("x" * 9000)
        return "done"

    copy = studio.copy()
    await studio.record(ScriptedAgent(steps={"work": work}), loop_spec())
    (blob,) = (studio.tape / "blobs").iterdir()
    blob.write_text("y" * 9000)
    result = await studio.replay(copy, loop_spec())
    assert "or it is damaged" in result.end.detail
    assert not (copy / "large.txt").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "is not a cassette"),
        ('{"request": {}}', "lacks its request, its answer or its patch"),
        ('{"request": {}, "patch": {}, "reply": 3}', "lacks its request, its answer or its patch"),
    ],
)
async def test_what_is_no_cassette_is_refused(studio: Studio, text: str, words: str) -> None:
    """A file that is cut off or is something else ends the run with a word on it."""
    copy = studio.copy()
    await studio.record(ScriptedAgent("done"), loop_spec())
    (studio.tape / "calls" / "work.1.1.json").write_text(text)
    result = await studio.replay(copy, loop_spec())
    assert result.end.reason is EndReason.FAILED
    assert words in result.end.detail


async def test_a_recording_of_another_format_is_refused(studio: Studio) -> None:
    """The format's number is held against the one that this version reads."""
    await studio.record(ScriptedAgent("done"), loop_spec())
    (studio.tape / "recording.json").write_text('{"format": 2}')
    with pytest.raises(Exception, match="has the format 2; this version reads 1"):
        studio.kernel(studio.project).get("middleware", "replay").of(studio.tape)


async def test_a_recording_inside_the_workspace_does_not_record_itself(
    studio: Studio, tmp_path: Path
) -> None:
    """With --in-place the folder may lie in the project; it is no part of any patch."""
    studio.tape = studio.project / "tapes" / "first"
    await studio.record(ScriptedAgent("a", "b"), loop_spec("one", "two"))
    assert studio.cassette("two.1.1")["patch"] == {}


@pytest.mark.slow
async def test_an_agent_that_nests_folders_is_recorded(studio: Studio) -> None:
    """A file deeper than Python's stack does not end the recording, and is made again by the replay."""
    deep = "d/" * 1_500 + "x"

    async def nest(request: AgentRequest) -> str:
        folder = request.workspace
        for _ in range(deep.count("/")):
            folder = folder / "d"
            folder.mkdir()
        (folder / "x").write_text("deep")
        return "done"

    copy = studio.copy()
    try:
        assert (await studio.record(ScriptedAgent(nest), loop_spec())).end.reason is EndReason.GOAL_MET
        assert (await studio.replay(copy, loop_spec())).end.reason is EndReason.GOAL_MET
        assert (copy / deep).read_text() == "deep"
    finally:  # pytest cannot remove such folders
        subprocess.run(["rm", "-rf", str(copy / "d"), str(studio.project / "d")], check=True)
