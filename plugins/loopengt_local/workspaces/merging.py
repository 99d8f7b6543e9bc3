"""Brings the work of a run into the project: as a merge commit from a worktree, as changed files from a copy.

Uncommitted changes that a worktree began with stay uncommitted, except in files that the run has changed too: those
are committed as the run left them. In the project, a file may be replaced when it is as it was committed, or as it
was when the run began; any other makes the whole merge fail before anything is touched.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import UsageError
from loopengt_local.workspaces.comparing import GITLINK, Touched, changes_between, names, tree_of, tree_with
from loopengt_local.workspaces.contents import find_entries
from loopengt_local.workspaces.git import IDENTITY, git, git_output, git_status, run_git
from loopengt_local.workspaces.installing import Installing, project_files
from loopengt_local.workspaces.replacing import Change, Replacement, in_the_way
from loopengt_local.workspaces.trees import hash_files, save_tree
from loopengt_local.workspaces.worktrees import staged_tree
from loopengt_local.workspaces.writing import Objects, write_file

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_local.workspaces.workspace import Workspace

__all__ = ["merge_copy", "merge_worktree"]

_NO_RENAMED_FOLDERS = ("-c", "merge.directoryRenames=false")
_TOO_OLD = 129
"""Exit status of a git that does not know an option."""


def merge_copy(project: Path, workspace: Workspace, scratch: Path) -> list[bytes]:
    """Bring what a run has changed in a copy into the project.

    Args:
        project: The project folder.
        workspace: The copy.
        scratch: A folder of the project for what is needed meanwhile.

    Returns:
        The files that the run has changed.

    Raises:
        UsageError: The project's files are no longer those that were copied; nothing was changed.
        LoopengtError, OSError: Files cannot be written; ``recover`` undoes what was changed.
    """
    path = workspace.path
    if not workspace.start or not (path / ".git").exists():
        raise UsageError(
            f"what has changed in {path} is not known: the copy is no git repository",
            remedy=f"Install git for the next run. For this one see: diff -ru {project} {path}",
        )
    touched = changes_between(path, workspace.start, save_tree(path, "end"))
    _refuse_repositories(touched)
    entries = [*find_entries(project, touched).values()]
    hashes = zip(entries, hash_files(path, project, entries), strict=True)
    now = {entry.path: (entry, (entry.mode, digest)) for entry, digest in hashes}
    changes: list[Change] = []
    conflicts: list[bytes] = []
    going = {file for file, (_, new) in touched.items() if new is None}
    for file, (old, new) in touched.items():
        entry, blob = now.get(file, (None, None))
        if blob == old and not in_the_way(project, file, going):
            changes.append(Change(file, entry, new is not None))
        elif blob != new:
            conflicts.append(file)
    _refuse_conflicts(conflicts, f"(cd {path} && git diff {workspace.start[:12]})")
    replacement = Replacement(project, scratch)
    replacement.new.mkdir(parents=True)
    with Objects.opened(path) as objects:
        for change in changes:
            blob = touched[change.path][1]
            if blob is not None:
                write_file(os.fsencode(replacement.new), change.path, blob[0], objects.chunks(blob[1]))
    replacement.prepare(changes, {})
    replacement.apply()
    return [*touched]


def merge_worktree(project: Path, workspace: Workspace, title: str, scratch: Path) -> list[bytes]:
    """Merge what a run has changed in a worktree into what is checked out in the project.

    Args:
        project: The project folder.
        workspace: The worktree.
        title: First line of the messages of commits.
        scratch: A folder of the project for what is needed meanwhile.

    Returns:
        The files that the run has changed.

    Raises:
        UsageError: It does not fit what the project has become; nothing was changed.
        CalledProcessError, LoopengtError, OSError: It cannot be done; ``recover`` undoes what was changed.
    """
    merge = _Merge(project, workspace, title)
    head = git_output(project, "rev-parse", "--verify", "-q", "HEAD^{commit}")
    if head is None:
        raise UsageError(
            "the project has no commit checked out", remedy="Check out a branch, then try again."
        )
    touched = merge.touched
    _refuse_repositories(touched)
    if touched:
        merge.into(head.decode().strip(), scratch)
    return [*touched]


def _refuse_repositories(touched: Touched) -> None:
    inner = [path for path, blobs in touched.items() if any(blob and blob[0] == GITLINK for blob in blobs)]
    if inner:
        raise UsageError(
            f"the run has changed repositories inside the project, which cannot be merged:{names(inner)}",
            remedy="Bring these in by hand; a repository that the run has made can be turned into plain files by "
            "removing its .git folder.",
        )


def _refuse_conflicts(conflicts: list[bytes], by_hand: str) -> None:
    if conflicts:
        raise UsageError(
            "nothing was merged: the project has other changes in files that the run has "
            f"changed:{names(conflicts)}",
            remedy="Put these changes away (git stash, or commit them), then try again; or do it by hand: "
            f"{by_hand}",
        )


@dataclass
class _Merge:
    project: Path
    workspace: Workspace
    title: str

    @cached_property
    def touched(self) -> Touched:
        """What the run has changed; loopengt's own folder only where it is tracked."""
        found = changes_between(self.project, self.workspace.start, staged_tree(self.workspace.path))
        return {
            path: blobs
            for path, blobs in found.items()
            if blobs[0] is not None or not path.startswith(b".loopengt/")
        }

    @cached_property
    def brought(self) -> Touched:
        """What was not committed when the run began."""
        return changes_between(self.project, self.workspace.base, self.workspace.start)

    @property
    def by_hand(self) -> str:
        path, branch = self.workspace.path, self.workspace.branch
        return f"(cd {path} && git add -A && git commit -qm {branch}); git -C {self.project} merge {branch}"

    def into(self, head: str, scratch: Path) -> None:
        """Merge into the project, whose checked out commit is ``head``."""
        theirs = self._commit()
        tree = self._merged(head, theirs)
        updates = changes_between(self.project, head, tree)
        if not updates:
            return
        changes, conflicts = self._fitting(updates)
        _refuse_conflicts(conflicts, self.by_hand)
        merged = self._new_commit(tree, f"Merge branch '{self.workspace.branch}': {self.title}", head, theirs)
        Installing(self.project, scratch, head, merged).install(updates, changes)

    def _commit(self) -> str:
        """Return a commit of what the run has changed, without what was uncommitted before in other files."""
        base = self.workspace.base
        tree = tree_with(
            self.project, tree_of(self.project, base), {p: new for p, (_, new) in self.touched.items()}
        )
        tip = (
            (git_output(self.workspace.path, "rev-parse", "--verify", "-q", "HEAD^{commit}") or b"")
            .decode()
            .strip()
        )
        if not tip or not self._may_keep(tip):
            tip = base
        if tip != base and tree_of(self.project, tip) == tree:
            return tip
        return self._new_commit(tree, self.title, tip)

    def _may_keep(self, tip: str) -> bool:
        """Whether the commits that agents made have nothing in them that was only uncommitted work of the user."""
        base = self.workspace.base
        if git_status(self.project, "merge-base", "--is-ancestor", base, tip) != 0:
            return False
        listing = git(
            self.project, "log", "-m", "-z", "--no-renames", "--name-only", "--format=", f"{base}..{tip}"
        )
        committed = {name.strip(b"\n") for name in listing.split(b"\0")}
        return not committed & (self.brought.keys() - self.touched.keys())

    def _merged(self, head: str, theirs: str) -> str:
        """Return the tree of the merge.

        Raises:
            UsageError: There are conflicts.
        """
        base, project = self.workspace.base, self.project
        if head == base:
            return tree_of(project, theirs)
        moved = changes_between(project, base, head)
        # What the user has committed since of what was brought along is no change beside that of the run.
        known = {
            path: self.brought[path][1] for path in self.touched if path in self.brought and path in moved
        }
        ours = head
        if known:
            origin = self._new_commit(tree_with(project, tree_of(project, base), known), "base")
            ours = self._new_commit(tree_of(project, head), "ours", origin)
            theirs = self._new_commit(tree_of(project, theirs), "theirs", origin)
        words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
        done = run_git(project, *_NO_RENAMED_FOLDERS, *words)
        tree, *conflicts = (part for part in done.stdout.split(b"\0") if part) if done.stdout else (b"",)
        if done.returncode == 1 and conflicts:
            raise UsageError(
                "nothing was merged: the project's commits and the run have changed the same lines "
                f"of:{names([*set(conflicts)])}",
                remedy=f"Merge by hand: {self.by_hand}",
            )
        if done.returncode == _TOO_OLD:
            raise UsageError(
                "the project has new commits, and merging them takes git 2.38 or newer",
                remedy=f"Update git, or merge by hand: {self.by_hand}",
            )
        done.check_returncode()
        return tree.decode()

    def _fitting(self, updates: Touched) -> tuple[list[Change], list[bytes]]:
        """Return what must be done to the project's files, and those that have other changes."""
        files = project_files(self.project, [*updates])
        changes: list[Change] = []
        conflicts: list[bytes] = []
        going = {path for path, (_, new) in updates.items() if new is None}
        for path, (committed, merged) in updates.items():
            file = files[path]
            began, ended = self.touched.get(path, (committed, merged))
            replaceable = file.now == committed or (file.now == began and merged == ended)
            if file.staged not in (committed, merged, file.now) or in_the_way(self.project, path, going):
                conflicts.append(path)
            elif file.now == merged:
                continue
            elif replaceable:
                changes.append(Change(path, file.entry, merged is not None))
            else:
                conflicts.append(path)
        return changes, conflicts

    def _new_commit(self, tree: str, message: str, *parents: str) -> str:
        configured = git_status(self.project, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT") == 0
        words = [word for parent in parents for word in ("-p", parent)]
        environ = None if configured else IDENTITY
        return git(self.project, "commit-tree", tree, *words, "-m", message, environ=environ).decode().strip()
