"""Workspaces that whoever starts a run describes: a copy or an empty folder, with files of its own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import UsageError
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.models import LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import RunResult


async def run(project: Path, **fields: Any) -> RunResult:
    """Run a loop of one step."""
    kernel = make_kernel(project, agents=ScriptedAgent("done"))
    spec = LoopSpec.model_validate(loop_spec(workspace="in_place"))
    async with kernel.storage():
        return await kernel.engine().start(RunRequest(spec, **fields))


def listed(folder: Path) -> set[str]:
    """Return the files of a workspace, without those of git."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[0] != ".git"}


async def test_a_copy_has_the_given_files_and_lacks_those_named(project: Path) -> None:
    """What is given takes the place of the project's, what is named stays out, and git knows all as the beginning."""
    (project / "a.txt").write_text("a")
    (project / "answers.txt").write_text("42")
    (project / "tool.sh").write_text("true")
    (project / "tool.sh").chmod(0o755)
    files = {"a.txt": b"given", "d/e.txt": b"new", "t.sh": project / "tool.sh"}
    result = await run(project, workspace="copy", files=files, without=["answers.txt", "not-there"])
    folder = result.workspace
    assert folder is not None and folder != project
    assert listed(folder) == {"a.txt", "d/e.txt", "t.sh", "tool.sh"}
    assert (folder / "a.txt").read_text() == "given"
    assert (folder / "t.sh").stat().st_mode & 0o100
    status = subprocess.run(
        ["git", "status", "--short"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
    assert (project / "a.txt").read_text() == "a"


async def test_an_empty_workspace_has_nothing_but_what_is_given(project: Path) -> None:
    """It is a repository of its own, so that tools do not heed what the project ignores; it can be discarded."""
    (project / "a.txt").write_text("a")
    kernel = make_kernel(project, agents=ScriptedAgent("done"))
    spec = LoopSpec.model_validate(loop_spec())
    async with kernel.storage():
        engine = kernel.engine()
        result = await engine.start(RunRequest(spec, workspace="empty", files={"x": b"1"}))
        folder = result.workspace
        assert folder is not None
        assert listed(folder) == {"x"}
        top = subprocess.run(
            ["git", "rev-parse", "--show-toplevel"], cwd=folder, capture_output=True, text=True, check=True
        )
        assert top.stdout.strip() == str(folder.resolve())
        await engine.finish_workspace(result.run_id, "discard")
        assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", ".git/config", "x/.Git/hooks/y", "", "link/x", "no\0pe"]
)
async def test_no_file_leads_out(project: Path, name: str) -> None:
    """A path out of the workspace, through a link or into git's own folder is refused, and nothing is left."""
    outside = project.parent / "outside"
    outside.mkdir()
    (project / "link").symlink_to(outside)
    with pytest.raises(UsageError, match="would not lie in the workspace"):
        await run(project, workspace="copy", files={name: b"x"})
    assert not list(outside.iterdir())
    assert not list((project / ".loopengt" / "workspaces").iterdir())


async def test_a_link_of_that_name_is_replaced_and_not_followed(project: Path) -> None:
    """Where the project has a link, the given file takes its place and does not write through it."""
    outside = project.parent / "secret"
    outside.write_text("kept")
    (project / "a.txt").symlink_to(outside)
    result = await run(project, workspace="copy", files={"a.txt": b"given"})
    assert result.workspace is not None
    assert (result.workspace / "a.txt").read_text() == "given"
    assert outside.read_text() == "kept"


async def test_files_need_a_workspace_of_their_own(project: Path) -> None:
    """Files for a run that works on the project itself are refused."""
    for fields in ({}, {"in_place": True}, {"in_place": True, "workspace": "copy"}):
        with pytest.raises(UsageError, match="no workspace made for them"):
            await run(project, files={"x": b"1"}, **fields)
