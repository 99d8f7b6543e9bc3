"""What tests of workspaces share: projects, runs whose agent edits files, and a look at all that there is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopengt.testing import ScriptedAgent, loop_spec, run_loop

Edit = Callable[[Path], object]

LINES = "".join(f"line {number}\n" for number in range(30))


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person would, with a name."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def write(folder: Path, files: dict[str, str]) -> None:
    """Put files into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def repository(project: Path, files: dict[str, str]) -> None:
    """Make the project a repository with one commit of some files."""
    write(project, files)
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")


async def work(lab: Any, edit: Edit, **fields: Any) -> Any:
    """Run a loop whose agent edits its workspace, and return the result."""

    def do(request: Any) -> str:
        edit(request.workspace)
        return "done"

    result = await run_loop(lab.kernel(agents=ScriptedAgent(do)), loop_spec(**fields), in_place=False)
    assert result.end.reason == "goal_met", result.end
    return result


async def finish(lab: Any, run_id: str, action: str = "merge") -> str:
    """Merge or discard a run's workspace."""
    kernel = lab.kernel()
    async with kernel.storage():
        return str(await kernel.engine().finish_workspace(run_id, action))


def everything(project: Path) -> dict[str, object]:
    """All there is of a project: files with their modes, the branch, the index, and what git says of them."""
    files: dict[str, object] = {}
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project).parts
        if inside[0] not in (".git", ".loopengt") and not path.is_dir():
            link = path.is_symlink()
            content = os.readlink(path) if link else path.read_bytes() if path.is_file() else b""
            files[str(path.relative_to(project))] = (path.lstat().st_mode, content)
    if (project / ".git").exists():
        files[".git"] = (
            git(project, "rev-parse", "HEAD"),
            git(project, "ls-files", "-s"),
            git(project, "status", "--porcelain", "--untracked-files=no"),
            (project / ".git/index.lock").exists(),
        )
    return files


def check_nothing_is_left(project: Path) -> None:
    """Fail when a workspace, branch, worktree entry, ref or half a merge is there."""
    assert [*(project / ".loopengt/workspaces").iterdir()] == []
    assert [entry.name for entry in (project / ".loopengt/merging").iterdir() if entry.is_dir()] == []
    if (project / ".git").exists():
        assert "loopengt" not in git(project, "for-each-ref")
        assert git(project, "worktree", "list").count("\n") == 1
        git(project, "fsck", "--strict")


def by_the_agent(workspace: Path) -> None:
    """Change, add, delete and rename files, and make one executable."""
    write(workspace, {"a.py": LINES + "by the agent\n", "new/dir/b c.py": "new\n"})
    (workspace / "gone.py").unlink()
    (workspace / "old.py").rename(workspace / "renamed.py")
    (workspace / "tool").chmod(0o755)
    (workspace / "link").symlink_to("a.py")


PROJECT = {
    "a.py": LINES,
    "gone.py": "x\n",
    "old.py": "y\n" * 9,
    "tool": "#!\n",
    "rest.py": "z\n",
    ".gitignore": "*.log\n",
}


def check_it_is_there(project: Path) -> None:
    """Fail unless the project has what ``by_the_agent`` does."""
    assert (project / "a.py").read_text() == LINES + "by the agent\n"
    assert (project / "new/dir/b c.py").read_text() == "new\n"
    assert not (project / "gone.py").exists()
    assert not (project / "old.py").exists()
    assert (project / "renamed.py").exists()
    assert os.access(project / "tool", os.X_OK)
    assert os.readlink(project / "link") == "a.py"
    assert (project / "rest.py").read_text() == "z\n"
