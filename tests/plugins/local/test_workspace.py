"""Where a run works: in the project itself, in a git worktree, or in a copy."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import LoopengtError, UsageError
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from pathlib import Path

MISSING = MissingRequirement("no frob")


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person would, with a name."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Put files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def found(folder: Path) -> dict[str, bytes]:
    """The files below a folder, git's own left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


async def work_in(lab: Any, **fields: Any) -> Path:
    """Run a loop whose agent changes a file, and return where it worked."""

    def edit(request: Any) -> str:
        (request.workspace / "made.txt").write_text("by the agent")
        return "done"

    result = await run_loop(lab.kernel(agents=ScriptedAgent(edit), **fields), loop_spec(), in_place=False)
    assert result.end.reason is EndReason.GOAL_MET
    assert result.workspace is not None
    assert (result.workspace / "made.txt").exists()
    assert not (lab.project / "made.txt").exists()
    return result.workspace  # type: ignore[no-any-return]  # a Path


async def test_in_place_is_the_project_itself(lab: Any) -> None:
    """An agent that works in place changes the project's own files."""
    agent = ScriptedAgent(lambda request: (request.workspace / "made.txt").write_text("x"))
    result = await run_loop(lab.kernel(agents=agent), loop_spec())
    assert result.workspace == lab.project
    assert (lab.project / "made.txt").exists()


async def test_a_folder_is_copied_without_what_tools_leave_behind(lab: Any) -> None:
    """Sources, links and modes are copied; caches and the runs are not; installed dependencies are linked."""
    sources: dict[str, str | bytes] = {
        "a.py": "1",
        "src/venv.py": "2",
        "src/b.bin": b"\0\xff",
        "docs/venv": "3",
    }
    write(lab.project, sources)
    rest = ("__pycache__/a.pyc", "src/.mypy_cache/x", ".loopengt/loopengt.db", ".git/HEAD")
    write(lab.project, dict.fromkeys(rest, ""))
    write(lab.project, {".venv/lib.py": "lib", "web/node_modules/pkg/index.js": "js"})
    (lab.project / "a.py").chmod(0o755)
    (lab.project / "link").symlink_to("a.py")
    (lab.project / "dangling").symlink_to("nowhere")
    workspace = await work_in(lab)
    assert workspace.parent == lab.project / ".loopengt" / "workspaces"
    assert os.access(workspace / "a.py", os.X_OK)
    assert (workspace / "link").readlink().name == "a.py"
    assert (workspace / "dangling").is_symlink()
    assert (workspace / ".venv").readlink() == lab.project / ".venv"
    assert (workspace / "web/node_modules").readlink() == lab.project / "web/node_modules"
    copied = {name: content for name, content in found(workspace).items() if "node_modules" not in name}
    assert {name for name in copied if not name.startswith(".venv")} == {*sources, "link", "made.txt"}


async def test_a_copy_is_a_repository_of_its_own(lab: Any) -> None:
    """What a run has changed in a copy can be seen with git diff, and ignore files of folders above do not count."""
    write(lab.project, {"a.py": "1"})
    workspace = await work_in(lab)
    assert git(workspace, "status", "--porcelain").split() == ["??", "made.txt"]


async def test_a_repository_gets_a_worktree_with_all_that_is_not_committed(lab: Any) -> None:
    """Changes, staged or not, deletions, binaries and untracked files come along; ignored ones do not."""
    write(
        lab.project,
        {
            "a.py": "1\n",
            "b.py": "2\n",
            "c.py": "3\n",
            "x.bin": b"\0\1",
            ".gitignore": "*.log\nnode_modules\n",
        },
    )
    git(lab.project, "init", "-q")
    git(lab.project, "add", "-A")
    git(lab.project, "commit", "-q", "-m", "first")
    write(
        lab.project,
        {"a.py": "changed\n", "x.bin": b"\0\2\xff", "new/d.py": "4\n", "ü b.txt": "5\n", "noise.log": "6"},
    )
    write(lab.project, {"staged.py": "7\n", "node_modules/pkg.js": "js", "nested/e.py": "8\n"})
    git(lab.project, "add", "staged.py", "x.bin")
    git(lab.project / "nested", "init", "-q")
    (lab.project / "b.py").unlink()
    before = git(lab.project, "status", "--porcelain")
    workspace = await work_in(lab)
    assert git(workspace, "rev-parse", "--abbrev-ref", "HEAD").strip() == f"loopengt/{workspace.name}"
    expected = {
        "a.py",
        "c.py",
        "x.bin",
        ".gitignore",
        "new/d.py",
        "ü b.txt",
        "staged.py",
        "nested/e.py",
        "made.txt",
    }
    files = {
        name: content for name, content in found(workspace).items() if not name.startswith("node_modules")
    }
    assert set(files) == expected
    assert (files["a.py"], files["x.bin"]) == (b"changed\n", b"\0\2\xff")
    assert (workspace / "node_modules/pkg.js").readlink() == lab.project / "node_modules/pkg.js"
    assert git(lab.project, "status", "--porcelain").replace("?? .loopengt/\n", "") == before


async def test_settings_of_git_do_not_matter(
    lab: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Diff options of the user, hooks, and the variables that a git hook sets do not change the workspace."""
    write(lab.project, {"a.py": "1\n"})
    git(lab.project, "init", "-q")
    git(lab.project, "add", "-A")
    git(lab.project, "commit", "-q", "-m", "first")
    write(lab.project, {"a.py": "changed\n", ".git/hooks/post-checkout": "#!/bin/sh\nexit 1\n"})
    (lab.project / ".git/hooks/post-checkout").chmod(0o755)
    settings = {
        "diff.noprefix": "true",
        "color.ui": "always",
        "diff.external": "false",
        "diff.mnemonicPrefix": "true",
    }
    for key, value in settings.items():
        git(lab.project, "config", key, value)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    git(elsewhere, "init", "-q")
    for key, value in {"GIT_DIR": elsewhere / ".git", "GIT_INDEX_FILE": elsewhere / ".git/index"}.items():
        monkeypatch.setenv(key, str(value))
    workspace = await work_in(lab)
    assert (workspace / "a.py").read_text() == "changed\n"
    monkeypatch.undo()
    assert git(elsewhere, "status", "--porcelain") == ""


async def test_a_repository_without_a_commit_is_copied(lab: Any) -> None:
    """There is nothing yet that a worktree could be made of."""
    write(lab.project, {"a.py": "1"})
    git(lab.project, "init", "-q")
    workspace = await work_in(lab)
    assert (workspace / "a.py").exists()
    assert (workspace / ".git").is_dir()


async def test_a_folder_that_is_too_large_is_not_copied(lab: Any) -> None:
    """The limit is told, with what else can be done, and nothing is left behind; linked folders do not count."""
    write(lab.project, {"big.bin": b"x" * 1_100_000, ".venv/large.bin": b"x" * 1_100_000})
    with pytest.raises(UsageError, match="more than 1 MB") as caught:
        await run_loop(lab.kernel(copy_limit_mb=1), loop_spec(), in_place=False)
    assert "--in-place" in caught.value.remedy
    assert "copy_limit_mb" in caught.value.remedy
    assert await lab.memory.rows() == []
    (lab.project / "big.bin").unlink()
    await work_in(lab, copy_limit_mb=1)


async def test_a_workspace_that_cannot_be_made_is_a_clear_error(lab: Any) -> None:
    """A file in the way of the workspaces is named, and no run is begun."""
    write(lab.project, {".loopengt/workspaces": "in the way"})
    with pytest.raises(LoopengtError, match=r"the workspace .* cannot be made"):
        await run_loop(lab.kernel(), loop_spec(), in_place=False)
    assert await lab.memory.rows() == []


async def test_half_a_workspace_is_not_left_behind(lab: Any) -> None:
    """When a file cannot be copied, the error names it, and neither copy, worktree nor branch stays."""
    write(lab.project, {"a.py": "1"})
    os.mkfifo(lab.project / "pipe")
    with pytest.raises(LoopengtError, match="pipe"):
        await run_loop(lab.kernel(), loop_spec(), in_place=False, run_id="r")
    assert list((lab.project / ".loopengt/workspaces").iterdir()) == []
    git(lab.project, "init", "-q")
    git(lab.project, "add", "a.py")
    git(lab.project, "commit", "-q", "-m", "first")
    (lab.project / "untracked").mkdir()
    git(lab.project / "untracked", "init", "-q")
    os.mkfifo(lab.project / "untracked" / "pipe")
    with pytest.raises(LoopengtError, match="pipe"):
        await run_loop(lab.kernel(), loop_spec(), in_place=False, run_id="r")
    assert list((lab.project / ".loopengt/workspaces").iterdir()) == []
    assert "loopengt" not in git(lab.project, "branch", "--all")
    assert git(lab.project, "worktree", "list").count("\n") == 1


async def test_a_workspace_is_never_used_twice(lab: Any) -> None:
    """A run id whose workspace exists is refused, and the workspace is not touched."""
    workspace = await work_in(lab)
    with pytest.raises(UsageError, match="is there already"):
        await run_loop(lab.kernel(), loop_spec(), in_place=False, run_id=workspace.name)
    assert (workspace / "made.txt").exists()


async def test_resume_works_in_the_same_workspace(lab: Any) -> None:
    """The second half of a run finds what the first half has made; a workspace that is gone is an error."""
    places: list[Path] = []

    def note(request: Any) -> str:
        places.append(request.workspace)
        return "x"

    agent = ScriptedAgent(steps={"a": [note], "b": [MISSING, MISSING, note]})
    failed = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"), in_place=False)
    await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert failed.workspace is not None
    moved = failed.workspace.rename(lab.project / "moved")
    with pytest.raises(UsageError, match="is gone"):
        await resume_loop(lab.kernel(agents=agent), failed.run_id)
    moved.rename(failed.workspace)
    ended = await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert places == [failed.workspace] * 2
