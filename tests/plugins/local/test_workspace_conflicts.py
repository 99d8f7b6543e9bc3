"""What does not fit is refused and leaves everything as it was; what the user has is never lost."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import LoopengtError, UsageError
from loopengt.testing import loop_spec, run_loop
from loopengt_hookspecs.errors import RunOwned

from .workspace_kit import (
    LINES,
    PROJECT,
    by_the_agent,
    check_it_is_there,
    check_nothing_is_left,
    everything,
    finish,
    git,
    repository,
    work,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from .workspace_kit import Edit


def same_lines(project: Path) -> None:
    """Commit other lines where the agent's are."""
    write(project, {"a.py": LINES + "the user's\n"})
    git(project, "commit", "-qam", "user")


def other_changes(project: Path) -> None:
    """Change a file that the agent has changed."""
    write(project, {"a.py": LINES + "the user's\n"})


def untracked_in_the_way(project: Path) -> None:
    """Make a file where the agent has made one."""
    write(project, {"new/dir/b c.py": "the user's\n"})


def file_in_the_way(project: Path) -> None:
    """Make a file where the agent has made a folder."""
    write(project, {"new": "the user's\n"})


def link_in_the_way(project: Path) -> None:
    """Make a link where the agent has made a folder."""
    write(project, {"elsewhere/x": ""})
    (project / "new").symlink_to("elsewhere")


def deleted(project: Path) -> None:
    """Delete a file that the agent has changed."""
    (project / "a.py").unlink()


def staged_otherwise(project: Path) -> None:
    """Stage something of a file, and take it back in the file alone."""
    other_changes(project)
    git(project, "add", "a.py")
    write(project, {"a.py": LINES})


def pipe_in_the_way(project: Path) -> None:
    """Make a pipe where the agent has made a link."""
    os.mkfifo(project / "link")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (same_lines, "a.py"),
        (other_changes, "a.py"),
        (untracked_in_the_way, "new/dir/b c.py"),
        (file_in_the_way, "new/dir/b c.py"),
        (link_in_the_way, "new/dir/b c.py"),
        (deleted, "a.py"),
        (staged_otherwise, "a.py"),
        (pipe_in_the_way, "link"),
    ],
)
async def test_a_conflict_leaves_all_as_it_was(lab: Any, change: Edit, named: str) -> None:
    """The files are named with what to do, and project and workspace are untouched; put away, it is merged."""
    repository(lab.project, PROJECT)
    head = git(lab.project, "rev-parse", "HEAD").strip()
    result = await work(lab, by_the_agent)
    change(lab.project)
    before, theirs = everything(lab.project), everything(result.workspace)
    with pytest.raises(UsageError, match="nothing was merged") as caught:
        await finish(lab, result.run_id)
    assert f"\n  {named}" in caught.value.message
    assert "git merge" in caught.value.remedy or f"merge loopengt/{result.run_id}" in caught.value.remedy
    assert everything(lab.project) == before
    assert everything(result.workspace) == theirs
    git(lab.project, "reset", "-q", "--hard", head)
    git(lab.project, "clean", "-qfd", "-e", ".loopengt")
    (lab.project / "link").unlink(missing_ok=True)  # git does not see pipes
    await finish(lab, result.run_id)
    check_it_is_there(lab.project)
    check_nothing_is_left(lab.project)


@pytest.mark.parametrize(
    "change", [other_changes, untracked_in_the_way, file_in_the_way, link_in_the_way, deleted]
)
async def test_a_conflict_with_a_copy_leaves_all_as_it_was(lab: Any, change: Edit) -> None:
    """A plain project that has changed in the run's files is left alone, and so is the copy."""
    write(lab.project, PROJECT)
    result = await work(lab, by_the_agent)
    change(lab.project)
    before, theirs = everything(lab.project), everything(result.workspace)
    with pytest.raises(UsageError, match="nothing was merged"):
        await finish(lab, result.run_id)
    assert everything(lab.project) == before
    assert everything(result.workspace) == theirs


@pytest.mark.parametrize("kind", ["worktree", "copy"])
async def test_a_file_that_cannot_be_written_undoes_the_others(lab: Any, kind: str) -> None:
    """When a folder is in a file's place with ignored files in it, what was replaced before is put back."""
    repository(lab.project, PROJECT)
    result = await work(lab, by_the_agent, workspace=kind)
    write(lab.project, {"renamed.py/x.log": "ignored"})
    before = everything(lab.project)
    with pytest.raises(LoopengtError, match="cannot be merged"):
        await finish(lab, result.run_id)
    assert everything(lab.project) == before
    (lab.project / "renamed.py/x.log").unlink()
    (lab.project / "renamed.py").rmdir()
    await finish(lab, result.run_id)
    check_it_is_there(lab.project)


@pytest.mark.parametrize("state", ["merge", "lock", "detached"])
async def test_git_in_the_midst_of_something(lab: Any, state: str) -> None:
    """A merge of the user's or another git process is waited for; a commit without a branch is as good as one."""
    repository(lab.project, PROJECT)
    result = await work(lab, by_the_agent)
    if state == "detached":
        git(lab.project, "checkout", "-q", "--detach")
        await finish(lab, result.run_id)
        check_it_is_there(lab.project)
        assert git(lab.project, "rev-parse", "HEAD^1") == git(lab.project, "rev-parse", "main")
        return
    place = lab.project / ".git" / {"merge": "MERGE_HEAD", "lock": "index.lock"}[state]
    place.write_text(git(lab.project, "rev-parse", "HEAD") if state == "merge" else "")
    before = everything(lab.project)
    with pytest.raises(UsageError, match=r"in the midst of something|another git process"):
        await finish(lab, result.run_id)
    assert everything(lab.project) == before
    assert place.exists()
    place.unlink()
    await finish(lab, result.run_id)
    check_it_is_there(lab.project)


async def test_repositories_that_the_agent_has_made_are_refused(lab: Any) -> None:
    """What git would merge as a mere link is named, and taken once it is plain files."""
    repository(lab.project, PROJECT)

    def edit(workspace: Path) -> None:
        (workspace / "cloned").mkdir()
        repository(workspace / "cloned", {"x": "1\n"})

    result = await work(lab, edit)
    with pytest.raises(UsageError, match=r"repositories inside the project[^\n]*\n  cloned"):
        await finish(lab, result.run_id)
    git(result.workspace, "config", "--local", "--list")
    subprocess.run(["rm", "-rf", str(result.workspace / "cloned/.git")], check=True)
    await finish(lab, result.run_id)
    assert (lab.project / "cloned/x").read_text() == "1\n"


async def test_a_run_that_others_need_is_refused(lab: Any) -> None:
    """One that is driven, works in place or has failed is not merged; what has failed can be discarded."""
    repository(lab.project, PROJECT)
    in_place = await work(lab, lambda path: None, workspace="in_place")
    with pytest.raises(UsageError, match="no workspace of its own"):
        await finish(lab, in_place.run_id)
    failing = loop_spec(policy={"verification_gates": [{"name": "no", "kind": "told"}]})
    failing["steps"][0]["verification_gates"] = ["no"]
    lab.gates.verdicts["no"] = [False] * 9
    failed = await run_loop(lab.kernel(), failing, in_place=False)
    with pytest.raises(UsageError, match=f"ended {failed.end.reason.value}") as caught:
        await finish(lab, failed.run_id)
    assert "--discard" in caught.value.remedy
    lease = await lab.memory.claim(failed.run_id, "{}", 60)
    with pytest.raises(RunOwned):
        await finish(lab, failed.run_id, "discard")
    await lab.memory.release(lease)
    assert failed.workspace is not None
    (failed.workspace / "locked").mkdir()
    (failed.workspace / "locked/file").touch()
    (failed.workspace / "locked").chmod(0o500)
    assert "was discarded" in await finish(lab, failed.run_id, "discard")
    assert "was gone already" in await finish(lab, failed.run_id, "discard")
    check_nothing_is_left(lab.project)


async def test_a_folder_that_is_no_workspace_is_never_removed(lab: Any, tmp_path_factory: Any) -> None:
    """A journal that names another place, as one that was tampered with may, deletes nothing there."""
    precious = tmp_path_factory.mktemp("precious")
    write(precious, {"file": "x"})
    result = await work(lab, lambda path: None)
    batches = [batch async for batch in lab.memory.read(result.run_id)]
    kernel = lab.kernel()
    from loopengt_local.workspaces.finishing import finish as finish_folder

    (row,) = await lab.memory.rows()
    assert batches
    with pytest.raises(UsageError, match="is not where this project keeps workspaces"):
        finish_folder(kernel.project, row, {"path": str(precious), "kind": "copy"}, "discard")
    assert (precious / "file").exists()
