"""``workspace:`` of a loop decides where a run works, and ``in_place`` of a request overrides it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import UsageError
from loopengt.testing import ScriptedAgent, loop_spec, run_loop

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person would, with a name."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def repository(folder: Path) -> None:
    """Make a folder a repository with one commit."""
    (folder / "a.py").write_text("1\n")
    git(folder, "init", "-q")
    git(folder, "add", "a.py")
    git(folder, "commit", "-qm", "first")


async def header(lab: Any, kind: str, *, in_place: bool = False) -> dict[str, Any]:
    """Run a loop with a kind of workspace, and return what its journal says of it."""
    agent = ScriptedAgent(lambda request: (request.workspace / "made.txt").write_text("x"))
    result = await run_loop(lab.kernel(agents=agent), loop_spec(workspace=kind), in_place=in_place)
    assert (result.workspace / "made.txt").exists()
    return dict((await lab.events(result.run_id))[0].data["workspace"])


@pytest.mark.parametrize(
    ("kind", "versioned", "made"),
    [
        ("auto", True, "worktree"),
        ("auto", False, "copy"),
        ("worktree", True, "worktree"),
        ("copy", True, "copy"),
        ("copy", False, "copy"),
        ("in_place", True, "in_place"),
        ("in_place", False, "in_place"),
    ],
)
async def test_the_spec_decides(lab: Any, kind: str, versioned: bool, made: str) -> None:
    """Each kind is what it says, with and without a repository."""
    if versioned:
        repository(lab.project)
    facts = await header(lab, kind)
    assert facts["kind"] == made
    assert (lab.project / "made.txt").exists() == (made == "in_place")
    if versioned and made != "worktree":
        assert "loopengt/" not in git(lab.project, "for-each-ref")


@pytest.mark.parametrize("kind", ["copy", "worktree", "auto"])
async def test_in_place_overrides_the_spec(lab: Any, kind: str) -> None:
    """A request to work in place is heeded whatever the loop says, also without the repository that it asks for."""
    assert (await header(lab, kind, in_place=True))["kind"] == "in_place"


@pytest.mark.parametrize("commits", [None, 0])
async def test_a_worktree_takes_a_repository_with_a_commit(lab: Any, commits: int | None) -> None:
    """Without one the run is refused with what to do, and nothing is left of it."""
    if commits is not None:
        git(lab.project, "init", "-q")
    with pytest.raises(UsageError, match="not the top of a git repository with a commit") as caught:
        await header(lab, "worktree")
    assert "Commit the project" in caught.value.remedy
    assert await lab.memory.rows() == []
    assert not (lab.project / ".loopengt/workspaces").exists()


async def test_a_folder_inside_a_repository_is_copied(lab: Any) -> None:
    """A project that is not the top of its repository gets no worktree of what is around it."""
    repository(lab.project)
    lab.project = lab.project / "inner"
    lab.project.mkdir()
    assert (await header(lab, "auto"))["kind"] == "copy"
    with pytest.raises(UsageError, match="not the top"):
        await header(lab, "worktree")


async def test_a_branch_of_that_name_is_not_touched(lab: Any) -> None:
    """A run whose branch exists is refused, and the branch stays where it was."""
    repository(lab.project)
    git(lab.project, "branch", "loopengt/mine")
    with pytest.raises(UsageError, match="branch loopengt/mine is there already") as caught:
        await run_loop(lab.kernel(), loop_spec(), in_place=False, run_id="mine")
    assert "git branch -D" in caught.value.remedy
    assert git(lab.project, "branch", "--list", "loopengt/*").split() == ["loopengt/mine"]


async def test_the_journal_knows_what_a_workspace_began_with(lab: Any) -> None:
    """A clean worktree begins with its commit; with changes, with a commit that has them; and nobody's index moves."""
    repository(lab.project)
    clean = await header(lab, "worktree")
    head = git(lab.project, "rev-parse", "HEAD").strip()
    assert (clean["base"], clean["start"]) == (head, head)
    (lab.project / "a.py").write_text("2\n")
    (lab.project / "new.py").write_text("3\n")
    status = git(lab.project, "status", "--porcelain", "a.py", "new.py")
    changed = await header(lab, "worktree")
    assert changed["base"] == head
    assert git(lab.project, "show", f"{changed['start']}:a.py") == "2\n"
    assert git(lab.project, "show", f"{changed['start']}:new.py") == "3\n"
    assert git(lab.project, "status", "--porcelain", "a.py", "new.py") == status
    assert git(lab.project, "diff", "--stat", head, "HEAD") == ""


async def test_converted_files_arrive_as_they_are(lab: Any) -> None:
    """Uncommitted changes come along byte by byte where git converts line ends and filters contents."""
    project = lab.project
    (project / ".gitattributes").write_text("*.txt text eol=crlf\n*.dat filter=rot\n")
    (project / "a.txt").write_bytes(b"1\r\n")
    (project / "a.dat").write_bytes(b"abc")
    git(project, "init", "-q")
    git(project, "config", "filter.rot.clean", "tr a-z b-za")
    git(project, "config", "filter.rot.smudge", "tr b-za a-z")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    assert git(project, "show", "HEAD:a.dat") == "bcd"
    (project / "a.txt").write_bytes(b"1\r\n2\r\n")
    (project / "a.dat").write_bytes(b"abcd")
    workspace = project / ".loopengt/workspaces" / (await header(lab, "auto"))["path"].rpartition("/")[2]
    assert (workspace / "a.txt").read_bytes() == b"1\r\n2\r\n"
    assert (workspace / "a.dat").read_bytes() == b"abcd"


async def test_folders_that_changed_their_kind_come_along(lab: Any) -> None:
    """A folder that became a file or a link, and a file that became a folder, are that in the worktree."""
    project = lab.project
    for name in ("one/a", "two/a", "three"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    for name in ("one/a", "two/a", "three"):
        (project / name).unlink()
    for name in ("one", "two"):
        (project / name).rmdir()
    (project / "one").write_text("a file")
    (project / "elsewhere").mkdir()
    (project / "elsewhere/a").write_text("not to be followed")
    (project / "two").symlink_to("elsewhere")
    (project / "three").mkdir()
    (project / "three/a").write_text("y")
    result = await run_loop(lab.kernel(), loop_spec(), in_place=False)
    assert result.workspace is not None
    assert (result.workspace / "one").read_text() == "a file"
    assert os.readlink(result.workspace / "two") == "elsewhere"
    assert (result.workspace / "three/a").read_text() == "y"
