"""Gives a run its workspace: the project itself, a git worktree, or a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from loopengt.project import make_state_folder
from loopengt_hookspecs.errors import LoopengtError, UsageError

__all__ = ["Workspace", "make_workspace"]

_NOT_COPIED = frozenset({".loopengt", ".git", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"})
_LINKED = frozenset({".venv", "venv", "node_modules"})
"""Installed dependencies: large, and not what a loop works on; a workspace links to them."""


_PLAIN_DIFF = (
    "--binary",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
"""Whatever the user's configuration says of diffs, this one can be applied."""

_GIT_PLACES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)
"""Variables that a git hook sets: with them, git would work on another repository than the one we name."""


class Workspace:
    """The folder that a run works in.

    Args:
        path: The folder.
        kind: ``in_place``, ``worktree`` or ``copy``.
        branch: The git branch of a worktree.
    """

    def __init__(self, path: Path, kind: str, branch: str = "") -> None:
        self.path = path
        self.kind = kind
        self.branch = branch

    def record(self) -> dict[str, Any]:
        """Return what the journal keeps of it."""
        facts = {"path": str(self.path), "kind": self.kind}
        return facts | {"branch": self.branch} if self.branch else facts

    @classmethod
    def recorded(cls, facts: dict[str, Any], project: Path) -> Workspace:
        """Return the workspace of a run from its journal.

        Raises:
            UsageError: The folder is gone.
        """
        workspace = cls(Path(facts["path"]), facts["kind"], facts.get("branch", ""))
        if not workspace.path.is_dir():
            raise UsageError(
                f"the run's workspace {workspace.path} is gone",
                remedy="Put it back, or start a new run; `loopengt trace RUN` still shows this one.",
            )
        return workspace


def make_workspace(project: Path, run_id: str, *, in_place: bool, limit_mb: int) -> Workspace:
    """Make the workspace of a new run.

    A project that is the top of a git repository with a commit gets a worktree on the branch
    ``loopengt/<run>``, with its uncommitted changes and untracked files brought along; any other is copied.

    Raises:
        UsageError: The project is too large to copy, or the run has a workspace already.
        LoopengtError: The copy or worktree cannot be made; nothing is left of it.
    """
    if in_place:
        return Workspace(project, "in_place")
    path = project / ".loopengt" / "workspaces" / run_id
    if os.path.lexists(path):
        raise UsageError(f"the workspace {path} is there already", remedy="Choose another run id.")
    try:
        make_state_folder(path.parent)
        if _has_commits(project):
            return _worktree(project, path, run_id)
        return _copy(project, path, limit_mb)
    except (OSError, shutil.Error, subprocess.CalledProcessError) as exc:
        _discard(project, path, run_id)  # half a copy may be what fills the disk
        detail = (
            exc.stderr.decode(errors="replace").strip()
            if isinstance(exc, subprocess.CalledProcessError)
            else exc
        )
        raise LoopengtError(
            f"the workspace {path} cannot be made: {detail}",
            remedy="Free space or mend permissions, or work on the files themselves with --in-place.",
        ) from exc


def _discard(project: Path, path: Path, run_id: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if (project / ".git").exists():
        _git(project, "worktree", "prune", check=False)
        _git(project, "branch", "-q", "-D", f"loopengt/{run_id}", check=False)


def _has_commits(project: Path) -> bool:
    return (project / ".git").exists() and _git(
        project, "rev-parse", "--verify", "-q", "HEAD", check=False
    ) != b""


def _worktree(project: Path, path: Path, run_id: str) -> Workspace:
    branch = f"loopengt/{run_id}"
    _git(project, "worktree", "add", "-q", "-b", branch, str(path), "HEAD")
    changes = _git(project, "diff", *_PLAIN_DIFF, "HEAD")
    if changes:
        _git(path, "apply", "--whitespace=nowarn", "-", stdin=changes)
    left_out = (".loopengt/", *(f"{name}/" for name in _link_dependencies(project, path)))
    for name in _git(project, "ls-files", "-z", "--others", "--exclude-standard").split(b"\0"):
        relative = os.fsdecode(name)
        if relative and not relative.startswith(left_out):
            source, target = project / relative, path / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            if relative.endswith("/"):  # a repository of its own, into which git does not look
                _copy_tree(source, target)
            else:
                shutil.copy2(source, target, follow_symlinks=False)
    return Workspace(path, "worktree", branch)


def _copy(project: Path, path: Path, limit_mb: int) -> Workspace:
    size = _size_mb(project, limit_mb)
    if size > limit_mb:
        raise UsageError(
            f"project {project} has more than {limit_mb} MB, too much to copy for each run",
            remedy="Run with --in-place, make the folder a git repository, or raise "
            "`copy_limit_mb` under [plugins.local] in .loopengt/config.toml.",
        )
    _copy_tree(project, path)
    _make_repository(path)
    return Workspace(path, "copy")


def _copy_tree(source: Path, target: Path) -> None:
    """Copy a folder without what tools leave behind; dependencies are linked, wherever they lie."""
    linked: list[Path] = []

    def left_out(folder: str, names: list[str]) -> set[str]:
        links = [name for name in _LINKED.intersection(names) if Path(folder, name).is_dir()]
        linked.extend(Path(folder, name).relative_to(source) for name in links)
        return {*_NOT_COPIED.intersection(names), *links}

    shutil.copytree(source, target, symlinks=True, ignore=left_out)
    for relative in linked:
        (target / relative).symlink_to(source / relative)


def _make_repository(path: Path) -> None:
    """Make a copy a git repository of its own, when there is git.

    Tools that heed ignore files would otherwise follow those of the folders above, which ignore ``.loopengt/``: a
    linter would find nothing to complain about, and a gate would pass on nothing. It also lets agents and
    people see with ``git diff`` what a run has changed.
    """
    _git(path, "init", "-q", check=False)
    if (path / ".git").is_dir():
        identity = (
            "-c",
            "user.name=loopengt",
            "-c",
            "user.email=loopengt@localhost",
            "-c",
            "commit.gpgsign=false",
        )
        (path / ".git" / "info" / "exclude").write_text("\n".join(sorted(_LINKED)) + "\n", encoding="utf-8")
        _git(path, "add", "-A", check=False)
        _git(
            path,
            *identity,
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "The project when the run began",
            check=False,
        )


def _size_mb(project: Path, limit_mb: int) -> float:
    total = 0
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if name not in _NOT_COPIED | _LINKED]
        for name in files:
            total += os.lstat(os.path.join(folder, name)).st_size
        if total > limit_mb * 1_000_000:
            break
    return total / 1_000_000


def _link_dependencies(project: Path, path: Path) -> list[str]:
    """Give a worktree the project's installed dependencies, and return the names of their folders.

    Each is a folder of links that git ignores by a file of its own. One link in place of the folder would be
    seen as a change: ``.venv/`` in a .gitignore means folders alone, and ``info/exclude`` is not ours.
    """
    found = [name for name in sorted(_LINKED) if (project / name).is_dir()]
    names = [name for name in found if not os.path.lexists(path / name)]
    for name in names:
        folder = path / name
        folder.mkdir()
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        for entry in (project / name).iterdir():
            if entry.name != ".gitignore":
                (folder / entry.name).symlink_to(entry)
    return names


def _git(folder: Path, *arguments: str, stdin: bytes | None = None, check: bool = True) -> bytes:
    # Hooks and prompts of the user's configuration have no place in an unattended run.
    command = ["git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_PLACES}
    try:
        # In a session of its own: a terminal's Ctrl-C is for us, and must not leave half a workspace.
        done = subprocess.run(
            command, input=stdin, capture_output=True, check=check, env=environment, start_new_session=True
        )
    except FileNotFoundError:
        return b""
    return done.stdout if done.returncode == 0 else b""
