"""A run's work is brought into the project whole, and its workspace goes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import UsageError

from .workspace_kit import (
    LINES,
    PROJECT,
    by_the_agent,
    check_it_is_there,
    check_nothing_is_left,
    finish,
    git,
    repository,
    work,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["worktree", "copy"])
async def test_all_kinds_of_changes_are_merged(lab: Any, kind: str) -> None:
    """Changed, new, deleted, renamed and linked files arrive, and the workspace with all that is its own is gone."""
    repository(lab.project, PROJECT)
    write(lab.project, {"noise.log": "mine"})
    head = git(lab.project, "rev-parse", "HEAD").strip()
    result = await work(
        lab, lambda path: (by_the_agent(path), write(path, {"noise.log": "the agent's"})), workspace=kind
    )
    said = await finish(lab, result.run_id)
    assert "Merged 7 files" in said
    check_it_is_there(lab.project)
    assert (lab.project / "noise.log").read_text() == "mine"
    check_nothing_is_left(lab.project)
    if kind == "worktree":
        assert git(lab.project, "status", "--porcelain").split() == ["??", ".loopengt/"]
        assert git(lab.project, "rev-parse", "HEAD^1").strip() == head
        assert git(lab.project, "log", "--format=%P", "-1", "HEAD^2").strip() == head
        assert result.run_id in git(lab.project, "log", "-1", "--format=%s")
        assert git(lab.project, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    else:
        assert git(lab.project, "rev-parse", "HEAD").strip() == head


async def test_a_folder_without_git_gets_the_changes_of_its_copy(lab: Any) -> None:
    """A plain project has the run's files afterwards, with the permissions that its own files had."""
    write(lab.project, PROJECT)
    (lab.project / "a.py").chmod(0o640)
    (lab.project / "rest.py").chmod(0o444)
    result = await work(lab, by_the_agent)
    await finish(lab, result.run_id)
    check_it_is_there(lab.project)
    assert (lab.project / "a.py").stat().st_mode & 0o777 == 0o640
    check_nothing_is_left(lab.project)


async def test_what_was_uncommitted_stays_so_and_is_no_conflict(lab: Any) -> None:
    """Changes that were brought along stay in the project, uncommitted, but for files that the run has changed."""
    repository(lab.project, {"a.py": LINES, "b.py": "b\n", "c.py": "c\n", "staged.py": "s\n"})
    write(
        lab.project, {"a.py": LINES + "mine\n", "b.py": "mine\n", "new.py": "mine\n", "notes.txt": "mine\n"}
    )
    write(lab.project, {"staged.py": "staged\n"})
    git(lab.project, "add", "staged.py")

    def edit(workspace: Path) -> None:
        assert (workspace / "notes.txt").read_text() == "mine\n"
        write(
            workspace,
            {"a.py": LINES + "mine\nthe agent's\n", "new.py": "mine\nthe agent's\n", "c.py": "c c\n"},
        )

    result = await work(lab, edit)
    await finish(lab, result.run_id)
    assert git(lab.project, "show", "--format=", "--name-only", "-m", "--first-parent", "HEAD").split() == [
        "a.py",
        "c.py",
        "new.py",
    ]
    assert (lab.project / "a.py").read_text() == LINES + "mine\nthe agent's\n"
    assert (lab.project / "b.py").read_text() == "mine\n"
    status = git(lab.project, "status", "--porcelain").splitlines()
    assert status == [" M b.py", "M  staged.py", "?? .loopengt/", "?? notes.txt"]
    history = git(lab.project, "log", "-m", "--name-only", "--format=", "HEAD").split()
    assert "notes.txt" not in history
    check_nothing_is_left(lab.project)


@pytest.mark.parametrize("took_all", [False, True])
async def test_commits_of_the_agent_are_kept_unless_they_took_in_the_users_changes(
    lab: Any, took_all: bool
) -> None:
    """The agent's own commits are part of the history, but nothing of the user's is committed by them."""
    repository(lab.project, {"a.py": LINES, "b.py": "b\n"})
    write(lab.project, {"b.py": "mine\n", "secret.txt": "mine\n"})

    def edit(workspace: Path) -> None:
        write(workspace, {"a.py": LINES + "1\n"})
        git(workspace, "add", *(["-A"] if took_all else ["a.py"]))
        git(workspace, "commit", "-qm", "the agent's commit")
        write(workspace, {"a.py": LINES + "1\n2\n"})

    result = await work(lab, edit)
    await finish(lab, result.run_id)
    assert (lab.project / "a.py").read_text() == LINES + "1\n2\n"
    assert git(lab.project, "status", "--porcelain").splitlines() == [
        " M b.py",
        "?? .loopengt/",
        "?? secret.txt",
    ]
    assert ("the agent's commit" in git(lab.project, "log", "--format=%s")) is not took_all
    assert "secret.txt" not in git(lab.project, "log", "-m", "--name-only", "--format=")


async def test_a_user_who_has_committed_meanwhile_is_merged_with(lab: Any) -> None:
    """Other files and other lines are both there; what was brought along and committed since is no conflict."""
    repository(lab.project, {"a.py": LINES, "b.py": LINES, "w.py": LINES})
    write(lab.project, {"w.py": "wip\n" + LINES, "fresh.py": "wip\n"})

    def edit(workspace: Path) -> None:
        write(
            workspace, {"a.py": LINES + "agent\n", "w.py": "wip\nagent\n" + LINES, "fresh.py": "wip\nagent\n"}
        )

    result = await work(lab, edit)
    write(lab.project, {"a.py": "user\n" + LINES, "b.py": "user\n"})
    git(lab.project, "add", "a.py", "b.py", "w.py", "fresh.py")
    git(lab.project, "commit", "-qm", "user")
    await finish(lab, result.run_id)
    assert (lab.project / "a.py").read_text() == "user\n" + LINES + "agent\n"
    assert (lab.project / "b.py").read_text() == "user\n"
    assert (lab.project / "w.py").read_text() == "wip\nagent\n" + LINES
    assert (lab.project / "fresh.py").read_text() == "wip\nagent\n"
    assert git(lab.project, "status", "--porcelain") == "?? .loopengt/\n"
    check_nothing_is_left(lab.project)


async def test_files_and_folders_that_change_their_kind_are_merged(lab: Any) -> None:
    """A file that became a folder, and a folder that became a file or link, are that in the project."""
    repository(lab.project, {"one/a": "x\n", "two/deep/a": "x\n", "three": "x\n"})

    def edit(workspace: Path) -> None:
        for name in ("one/a", "two/deep/a", "three"):
            (workspace / name).unlink()
        for name in ("one", "two/deep", "two"):
            (workspace / name).rmdir()
        write(workspace, {"one": "a file\n", "three/a": "y\n"})
        (workspace / "two").symlink_to("three")

    result = await work(lab, edit)
    await finish(lab, result.run_id)
    assert (lab.project / "one").read_text() == "a file\n"
    assert os.readlink(lab.project / "two") == "three"
    assert (lab.project / "three/a").read_text() == "y\n"
    assert git(lab.project, "status", "--porcelain") == "?? .loopengt/\n"


async def test_a_second_merge_and_one_of_nothing(lab: Any) -> None:
    """What is merged already, by hand, or what has changed nothing, makes no commit, and the workspace goes."""
    repository(lab.project, PROJECT)
    idle = await work(lab, lambda path: None)
    head = git(lab.project, "rev-parse", "HEAD")
    assert "changed no files" in await finish(lab, idle.run_id)
    with pytest.raises(UsageError, match="is gone"):
        await finish(lab, idle.run_id)
    assert git(lab.project, "rev-parse", "HEAD") == head
    result = await work(lab, by_the_agent)
    git(result.workspace, "add", "-A")
    git(result.workspace, "commit", "-qm", "by hand")
    git(lab.project, "merge", "-q", f"loopengt/{result.run_id}")
    head = git(lab.project, "rev-parse", "HEAD")
    await finish(lab, result.run_id)
    assert git(lab.project, "rev-parse", "HEAD") == head
    check_nothing_is_left(lab.project)


async def test_hooks_do_not_run_and_filters_do(lab: Any) -> None:
    """Hooks could stop or change the merge half way; contents are kept as git keeps this project's."""
    repository(
        lab.project, {"a.dat": "abc", "b.txt": "1\r\n", ".gitattributes": "*.dat filter=rot\n*.txt text\n"}
    )
    for name in ("pre-commit", "commit-msg", "post-merge", "post-checkout", "reference-transaction"):
        write(lab.project, {f".git/hooks/{name}": "#!/bin/sh\ntouch ../hook-ran hook-ran\nexit 1\n"})
        (lab.project / ".git/hooks" / name).chmod(0o755)
    git(lab.project, "config", "filter.rot.clean", "tr a-z b-za")
    git(lab.project, "config", "filter.rot.smudge", "tr b-za a-z")
    git(lab.project, "config", "core.hooksPath", "/dev/null")
    git(lab.project, "add", "--renormalize", ".")
    git(lab.project, "commit", "-qm", "second")
    git(lab.project, "config", "--unset", "core.hooksPath")
    result = await work(lab, lambda path: write(path, {"a.dat": "abcd", "new.dat": "hello"}))
    await finish(lab, result.run_id)
    assert (lab.project / "new.dat").read_text() == "hello"
    assert git(lab.project, "show", "HEAD:new.dat") == "ifmmp"
    assert (lab.project / "a.dat").read_text() == "abcd"
    assert git(lab.project, "status", "--porcelain") == "?? .loopengt/\n"
    assert not (lab.project / "hook-ran").exists()


async def test_a_project_with_a_submodule_is_merged(lab: Any, tmp_path_factory: Any) -> None:
    """The submodule, which a worktree has as an empty folder, is neither a change nor in the way."""
    inner = tmp_path_factory.mktemp("inner")
    repository(inner, {"x": "1\n"})
    repository(lab.project, PROJECT)
    git(lab.project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    git(lab.project, "commit", "-qm", "second")
    write(lab.project, {"sub/x": "changed in the submodule\n"})
    result = await work(lab, by_the_agent)
    await finish(lab, result.run_id)
    check_it_is_there(lab.project)
    assert (lab.project / "sub/x").read_text() == "changed in the submodule\n"
    assert git(lab.project, "status", "--porcelain").splitlines() == [" M sub", "?? .loopengt/"]
    check_nothing_is_left(lab.project)
