"""Makes a merge commit what is checked out in the project: files, index and branch, or none of them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from loopengt.temporary import temporary_folder
from loopengt_hookspecs.errors import UsageError
from loopengt_local.workspaces.comparing import Blob, Touched, index_lines, read_index
from loopengt_local.workspaces.contents import Entry, find_entries
from loopengt_local.workspaces.git import git, git_errors, git_status
from loopengt_local.workspaces.replacing import Change, Replacement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Installing", "ProjectFile", "merging_alone", "merging_folder", "project_files", "recover"]

_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
"""What git leaves in its folder while a merge, pick, revert or rebase waits for its user."""

_SPECIAL: Blob = (b"special", b"")


class ProjectFile(NamedTuple):
    """A path of the project."""

    entry: Entry | None
    """The file or link that stands there; None: there is none."""
    now: Blob
    """What git would commit of it."""
    staged: Blob
    """What the index has of it."""


def project_files(project: Path, paths: Sequence[bytes]) -> dict[bytes, ProjectFile]:
    """Return what stands at some paths of a project."""
    staged = read_index(project)
    entries = find_entries(project, paths)
    with temporary_folder(project) as scratch:
        index = os.path.join(scratch, "index")
        shutil.copyfile(_index(project), index)
        environ = {"GIT_INDEX_FILE": index}
        words = ("-c", "core.safecrlf=false", "update-index", "--add", "--replace", "-z", "--stdin")
        git(project, *words, stdin=b"".join(path + b"\0" for path in entries), environ=environ)
        added = read_index(project, environ)
    return {
        path: ProjectFile(
            entries.get(path), added.get(path) if path in entries else _none(project, path), staged.get(path)
        )
        for path in paths
    }


def _none(project: Path, path: bytes) -> Blob:
    """What stands where there is neither file nor link: nothing, a folder, or something that git cannot keep."""
    place = os.path.join(os.fsencode(project), path)
    return _SPECIAL if os.path.lexists(place) and not os.path.isdir(place) else None


def _index(project: Path) -> Path:
    return project / os.fsdecode(git(project, "rev-parse", "--git-path", "index").removesuffix(b"\n"))


@dataclass
class Installing:
    """The change from one checked out commit to another.

    Files are replaced under the lock of git's index, then the branch moves, which is what decides: when the process
    dies before, ``recover`` undoes the rest, when after, it does the rest.

    Args:
        project: The project folder.
        scratch: A folder of the project for what is needed meanwhile.
        head: The commit that is checked out.
        merged: The commit to check out.
    """

    project: Path
    scratch: Path
    head: str
    merged: str

    def install(self, updates: Touched, changes: Sequence[Change]) -> None:
        """Do it, up to where ``recover`` has to end it, after an error too.

        Args:
            updates: What differs between the commits.
            changes: What is to be done to files.

        Raises:
            UsageError: Git is in the midst of something in the project.
            CalledProcessError, LoopengtError, OSError: It cannot be done.
        """
        self._refuse_unfinished()
        replacement = Replacement(self.project, self.scratch)
        self._stage(
            {change.path: updates[change.path][1] for change in changes if change.put}, replacement.new
        )
        index = self._new_index({path: new for path, (_, new) in updates.items()})
        facts = {"head": self.head, "merged": self.merged, "index": _digest(index)}
        replacement.prepare(changes, facts)
        _lock_index(self.project, index)
        replacement.apply()
        message = f"loopengt: merge of {self.scratch.name}"
        git(self.project, "update-ref", "-m", message, "HEAD", self.merged, self.head)

    def _refuse_unfinished(self) -> None:
        for name in _UNDER_WAY:
            place = os.fsdecode(git(self.project, "rev-parse", "--git-path", name).removesuffix(b"\n"))
            if (self.project / place).exists():
                raise UsageError(
                    f"nothing was merged: git is in the midst of something in {self.project} ({name})",
                    remedy="See `git status`, finish or abort that, then try again.",
                )

    def _stage(self, files: dict[bytes, Blob], target: Path) -> None:
        """Write files as git checks them out, into another folder."""
        target.mkdir(parents=True, exist_ok=True)
        if files:
            environ = {"GIT_INDEX_FILE": str(self.scratch / "staged")}
            git(self.project, "update-index", "-z", "--index-info",
                stdin=index_lines(files, len(self.head)), environ=environ)  # fmt: skip
            git(self.project, "checkout-index", "-a", "-q", f"--prefix={target}/", environ=environ)

    def _new_index(self, files: dict[bytes, Blob]) -> Path:
        index = self.scratch / "index"
        shutil.copy(_index(self.project), index)
        environ = {"GIT_INDEX_FILE": str(index)}
        lines = index_lines(files, len(self.head))
        git(self.project, "update-index", "-z", "--index-info", stdin=lines, environ=environ)
        return index


def recover(project: Path, scratch: Path) -> None:
    """Finish, or undo, what a process began in ``scratch``; nothing when there is no such folder.

    Raises:
        OSError: Files cannot be put back; it can be tried again.
    """
    replacement = Replacement(project, scratch)
    plan = replacement.plan()
    if plan is not None and "merged" not in plan:
        if not replacement.is_complete():
            replacement.roll_back()
    elif plan is not None:
        _recover_commit(project, replacement, plan)
    replacement.clear()


def _recover_commit(project: Path, replacement: Replacement, plan: dict[str, Any]) -> None:
    index = _index(project)
    lock = _lock_of(index)
    ours = lock.is_file() and _digest(lock) == plan["index"]
    if git_status(project, "merge-base", "--is-ancestor", plan["merged"], "HEAD") == 0:
        if ours:
            lock.replace(index)
        git(project, "update-index", "-q", "--refresh", check=False)
        return
    replacement.roll_back()
    if ours:
        lock.unlink()


def _lock_index(project: Path, content: Path) -> None:
    """Take git's lock of the index, with what the index is to be; git itself refuses to work meanwhile.

    Raises:
        UsageError: It is taken.
    """
    lock = _lock_of(_index(project))
    try:
        try:
            os.link(content, lock)  # it appears with all its content, or not at all
        except FileExistsError:
            raise
        except OSError:
            with lock.open("xb") as file:
                file.write(content.read_bytes())
    except FileExistsError:
        raise UsageError(
            f"nothing was merged: another git process works in {project}",
            remedy=f"Wait for it to end; if there is none, remove {lock}",
        ) from None


def _lock_of(index: Path) -> Path:
    return index.with_name(index.name + ".lock")


def _digest(path: Path) -> str:
    with suppress(FileNotFoundError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return ""


def merging_folder(project: Path) -> Path:
    """Return the folder that holds what merges need while they are under way."""
    return project / ".loopengt" / "merging"


@contextmanager
def merging_alone(project: Path) -> Iterator[None]:
    """Keep other processes from merging in a project, after undoing or finishing what dead ones have left.

    Raises:
        LoopengtError: What they have left cannot be mended.
    """
    folder = merging_folder(project)
    with git_errors(f"merges of {project} cannot be prepared"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for begun in [entry for entry in folder.iterdir() if entry.is_dir()]:
                recover(project, begun)
        except BaseException:
            os.close(lock)
            raise
    try:
        yield
    finally:
        os.close(lock)
