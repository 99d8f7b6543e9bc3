"""Names, keeps and brings back what a workspace holds.

The functions block: call them in a thread. They take files as they are: no filter, line-end conversion or hook of
git is applied, and neither HEAD, index nor files of a repository are touched.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

from loopengt.temporary import temporary_folder
from loopengt_hookspecs.errors import LoopengtError, UsageError
from loopengt_local.workspaces.contents import Digests, Entry, list_entries
from loopengt_local.workspaces.git import IDENTITY, git, git_errors, quoted
from loopengt_local.workspaces.writing import write_tree

__all__ = ["hash_files", "restore_tree", "save_tree", "tree_id", "tree_ref"]

_CHUNK = 1 << 20
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_LINK = b"120000"
_RAW_NAMES = ("-c", "core.protectNTFS=false", "-c", "core.protectHFS=false")


def tree_id(path: Path) -> str:
    """Return an id of what a folder holds: 64 hexadecimal digits, the same for the same content.

    Counted are paths, contents and executable bits of the files and links that ``list_entries`` lists: tracked or
    not, changed or not; commits, the index and ignored files do not matter. Nothing is written. A file that
    cannot be read counts by its size and time.

    Raises:
        LoopengtError: The folder cannot be listed.
    """
    with git_errors(f"the files of {path} cannot be listed"):
        entries = list_entries(path)
    digests = _contents.of(path, entries)
    whole = hashlib.sha256()
    for entry in entries:
        if entry.path in digests:
            whole.update(b"%d %s %s\0" % (len(entry.path), entry.path, entry.mode) + digests[entry.path])
    return whole.hexdigest()


def save_tree(path: Path, name: str) -> str:
    """Keep what a workspace holds as a commit of its own repository, and return the commit's id.

    The commit has no parent; a ref below ``refs/loopengt/``, that ends in the workspace's folder name and
    ``name``, keeps it. A ref of the same name is moved.

    Args:
        path: A workspace that is a git repository at its top: a worktree, or a copy.
        name: Name of the commit, any text.

    Raises:
        UsageError: The workspace is no git repository.
        LoopengtError: The files cannot be read or kept.
    """
    if not (path / ".git").exists():
        raise UsageError(
            f"the files of {path} cannot be kept: it is no git repository",
            remedy="Install git, and start the run with `workspace: copy` or `worktree`.",
        )
    with git_errors(f"the files of {path} cannot be kept"):
        try:
            return _save(path, name)
        except (subprocess.CalledProcessError, FileNotFoundError):  # a file has gone meanwhile, or
            # objects that were remembered may have been cleared away
            _objects.forget(path)
            return _save(path, name)


def _save(path: Path, name: str) -> str:
    entries = list_entries(path)
    objects = _objects.of(path, entries)
    listing = b"".join(
        b"%s %s\t%s\0" % (entry.mode, objects[entry.path], entry.path)
        for entry in entries
        if entry.path in objects
    )
    with temporary_folder(path) as scratch:
        index = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        git(path, *_RAW_NAMES, "update-index", "-z", "--index-info", stdin=listing, environ=index)
        tree = git(path, *_RAW_NAMES, "write-tree", environ=index).decode().strip()
    message = f"Workspace of {path.name}: {name}"
    commit = git(path, "commit-tree", tree, "-m", message, environ=IDENTITY).decode().strip()
    git(path, "update-ref", tree_ref(path.name, name), commit)
    return commit


def tree_ref(workspace: str, name: str = "") -> str:
    """Return the ref that keeps a saved tree, or the beginning of all refs of a workspace.

    Args:
        workspace: Name of the workspace's folder.
        name: Name of the saved tree.
    """
    return f"refs/loopengt/{_part(workspace)}/{_part(name) if name else ''}"


def _part(text: str) -> str:
    """Return a text as one part of a ref, and as one file name: another text gives another."""
    raw = os.fsencode(text)
    part = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in raw)
    return part if 0 < len(part) < 150 else f"%{hashlib.sha256(raw).hexdigest()}"


def restore_tree(source: Path, commit: str, target: Path) -> None:
    """Make the files of a workspace those of a saved commit.

    Files that are not in the commit are deleted, ignored ones are left alone; files that are the same are not
    touched. A file is replaced in one go, the whole of them is not: after an error, call it again.

    Args:
        source: The workspace whose repository has the commit, or any repository that has it.
        commit: What ``save_tree`` has returned.
        target: The workspace to change.

    Raises:
        UsageError: There is no such commit.
        LoopengtError: Files cannot be written.
    """
    tree = git(source, "rev-parse", "--verify", "-q", "--end-of-options", f"{commit}^{{tree}}", check=False)
    if not tree:
        raise UsageError(
            f"the saved files {commit[:12]} are not in the repository of {source}",
            remedy="The workspace they were saved in may have been discarded; fork without them.",
        )
    with git_errors(f"the files of {target} cannot be brought back"):
        wanted = _listed(source, tree.decode().strip())
        entries = list_entries(target)
        found = dict(zip((entry.path for entry in entries), hash_files(source, target, entries), strict=True))
        modes = {entry.path: entry.mode for entry in entries}
        same = {
            path
            for path, (mode, digest) in wanted.items()
            if (modes.get(path), found.get(path)) == (mode, digest)
        }
        write_tree(
            source,
            target,
            delete=[path for path in found if path not in wanted],
            write={path: item for path, item in wanted.items() if path not in same},
        )


def _listed(source: Path, tree: str) -> dict[bytes, tuple[bytes, bytes]]:
    """Return mode and object of each file of a tree."""
    files: dict[bytes, tuple[bytes, bytes]] = {}
    for line in git(source, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if path:
            mode, kind, digest = facts.split(b" ")
            if kind == b"blob":
                files[path] = (mode, digest)
    return files


def _read_digests(folder: Path, entries: list[Entry]) -> list[bytes | None]:
    root = os.fsencode(folder)
    return [_read_digest(os.path.join(root, entry.path), entry) for entry in entries]


def _read_digest(path: bytes, entry: Entry) -> bytes | None:
    digest = hashlib.blake2b(digest_size=32)
    try:
        if entry.mode == _LINK:
            digest.update(os.readlink(path))
        else:
            # No waiting for a writer, should a pipe have come into its place.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(handle, "rb", buffering=0) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
    except FileNotFoundError:
        return None
    except OSError:
        digest.update(repr(entry.state).encode())
    return digest.digest()


def _write_objects(folder: Path, entries: list[Entry]) -> list[bytes | None]:
    return hash_files(folder, folder, entries, "-w")


def hash_files(repository: Path, folder: Path, entries: list[Entry], *options: str) -> list[bytes | None]:
    """Return the ids that a repository gives to the contents of some files; ``-w``: and put them there.

    Raises:
        CalledProcessError: A file cannot be read, or is gone.
    """
    if not entries:
        return []
    root = os.fsencode(folder.absolute())
    with temporary_folder(folder) as scratch:
        paths: list[bytes] = []
        for number, entry in enumerate(entries):
            path = os.path.join(root, entry.path)
            if entry.mode == _LINK:  # git would read what it points to
                link = os.path.join(os.fsencode(scratch), b"%d" % number)
                Path(os.fsdecode(link)).write_bytes(os.readlink(path))
                path = link
            elif not stat.S_ISREG(os.lstat(path).st_mode):
                raise LoopengtError(
                    f"{os.fsdecode(path)} was replaced while it was read", remedy="Try again."
                )
            paths.append(path)
        lines = b"".join(quoted(path) + b"\n" for path in paths)
        command = ("hash-object", *options, "--no-filters", "--stdin-paths")
        return [*git(repository, *command, stdin=lines).split()]


_contents = Digests(_read_digests)
_objects = Digests(_write_objects)
