"""Reads a template out of a git repository, without checking it out: nothing in it is executed."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from loopengt.errors import LoopengtError, UsageError

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.templates import LoopTemplate

__all__ = ["GitAddress", "fetch_template", "read_address"]

PROTOCOLS: Final = ("https", "ssh", "file")
MAX_FETCHED_KB: Final = 50_000
"""Largest file, and so the largest pack of objects, that git may write."""
SECONDS: Final = 120
"""Seconds that one call of git may take."""

_MOST_NAMED: Final = 10
_NEVER: Final = (".git", ".loopengt", "..", ".")
"""What no template may have at all."""
_REF: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
_SAFE: Final = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "fetch.unpackLimit=1",
    "-c", "fetch.recurseSubmodules=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    "-c", "fetch.writeCommitGraph=false",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitAddress:
    """Where a template lies."""

    url: str
    folder: str
    """The folder in the repository; empty: the repository is the template."""
    ref: str
    """A branch, a tag or a commit; ``HEAD``: the default branch."""

    @property
    def shown(self) -> str:
        """The address as a person may see it: without a user name or password."""
        scheme, _, rest = self.url.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def read_address(text: str) -> GitAddress:
    """Read ``git+https://host/repository#folder@ref``; folder and ref may be missing.

    Raises:
        UsageError: It is no such address, or names a protocol that is not allowed.
    """
    url, _, fragment = text.partition("#")
    is_git = url.startswith("git+")
    url = url.removeprefix("git+")
    scheme = url.partition("://")[0].lower()
    ways = "git+https://HOST/REPOSITORY#FOLDER@REF, git+ssh://…, file://…"
    if scheme not in PROTOCOLS or not (is_git or scheme == "file"):
        raise UsageError(f"{_shown(text)!r} is no address of a template", remedy=f"There are: {ways}")
    parts = urlsplit(url)
    if "\0" in url or not url.isprintable() or " " in url or not parts.path.strip("/"):
        raise UsageError(f"{_shown(text)!r} names no repository", remedy=f"There are: {ways}")
    folder, _, ref = fragment.rpartition("@") if "@" in fragment else (fragment, "", "HEAD")
    folder = unquote(folder).strip("/")
    if ".." in PurePosixPath(folder).parts or not folder.isprintable() or folder.startswith(":"):
        raise UsageError(f"the folder {folder!r} is not inside the repository")
    if not _REF.fullmatch(ref) or ".." in ref:
        raise UsageError(
            f"{ref!r} is no branch, tag or commit", remedy="Write it behind @, such as #folder@v1."
        )
    return GitAddress(url, folder, ref)


def fetch_template(kernel: Kernel, text: str) -> LoopTemplate:
    """Fetch one commit of a repository into a temporary folder, and read the template in it.

    Raises:
        UsageError: The address is not valid, or what is there is no template.
        LoopengtError: git is not installed, cannot get it, or it is too large.
    """
    from loopengt.templates import make_template
    from loopengt.temporary import temporary_folder

    address = read_address(text)
    with temporary_folder(kernel.project) as place:
        repository = _Repository(place / "repository", address)
        commit = repository.fetch()
        files, left_out = repository.read(commit)
    where = (
        f"{address.shown}#{address.folder}@{address.ref}"
        if address.folder
        else f"{address.shown}#@{address.ref}"
    )
    path = address.folder or urlsplit(address.url).path
    name = PurePosixPath(path.rstrip("/")).name.removesuffix(".git")
    source = f"{where}, commit {commit}"
    if left_out:
        more = ", …" if len(left_out) > _MOST_NAMED else ""
        source += f", without its hidden files: {', '.join(left_out[:_MOST_NAMED])}{more}"
    return make_template(name, source, files)


class _Repository:
    """A bare repository with one commit."""

    def __init__(self, folder: Path, address: GitAddress) -> None:
        self._folder = folder
        self._address = address

    def fetch(self) -> str:
        """Get the commit, and return its id."""
        self._git("init", "--quiet", "--bare", "--template=", "--", str(self._folder), inside=False)
        self._git("fetch", "--quiet", "--depth=1", "--no-tags", "--", self._address.url, self._address.ref)
        return self._git("rev-parse", "--verify", "--end-of-options", "FETCH_HEAD^{commit}").decode().strip()

    def read(self, commit: str) -> tuple[dict[str, str], list[str]]:
        """Return the files of the folder, relative path to text; and the paths of those that are left out. Sorted.

        Hidden ones are left out: by such files programs are told what to execute, and few people look at them.
        """
        from loopengt.templates import MAX_BYTES, MAX_FILES

        shown = self._address.shown
        rows = self._listed(commit)
        left_out = sorted(name for name in rows if _is_hidden(name))
        for name in left_out:
            del rows[name]
        if len(rows) > MAX_FILES:
            raise UsageError(
                f"{self._address.folder or 'the top'} of {shown} has more than {MAX_FILES} files",
                remedy="Name the template's folder: #FOLDER@REF.",
            )
        found, size = {}, 0
        for name, (mode, blob, length) in sorted(rows.items()):
            if mode not in ("100644", "100755"):
                raise UsageError(f"{name!r} of {shown} is a link or a repository, not a file")
            size += int(length)
            if size > MAX_BYTES:
                raise UsageError(f"the files of {shown} are larger than {MAX_BYTES // 1_000_000} MB")
            try:
                found[name] = self._git("cat-file", "blob", blob).decode()
            except UnicodeDecodeError:
                raise UsageError(f"{name!r} of {shown} is not UTF-8 text") from None
        return found, left_out

    def _listed(self, commit: str) -> dict[str, tuple[str, str, str]]:
        """Return mode, object and size by path of everything in the folder."""
        address = self._address
        try:
            listed = self._git("ls-tree", "-r", "-z", "-l", "--end-of-options", f"{commit}:{address.folder}")
        except LoopengtError:
            raise UsageError(f"{address.shown} has no folder {address.folder!r} at {address.ref}") from None
        found = {}
        for row in filter(None, listed.split(b"\0")):
            head, raw_name = row.split(b"\t", 1)
            mode, _, blob, length = head.decode().split()
            try:
                found[raw_name.decode()] = (mode, blob, length)
            except UnicodeDecodeError:
                name = raw_name.decode("utf-8", "replace")
                raise UsageError(f"the name {name!r} of a file of {address.shown} is not UTF-8") from None
        return found

    def _git(self, *words: str, inside: bool = True) -> bytes:
        where = ("--git-dir", str(self._folder)) if inside else ()
        # The shell sets a limit that git cannot get around: no file becomes larger.
        command = [
            "/bin/sh",
            "-c",
            f'ulimit -f {2 * MAX_FETCHED_KB} && exec git "$@"',
            "git",
            *_SAFE,
            *where,
            *words,
        ]
        try:
            done = subprocess.run(
                command,
                cwd=self._folder.parent,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LoopengtError(f"git took more than {SECONDS} seconds for {self._address.shown}") from None
        if done.returncode == 127:
            raise LoopengtError(
                "git is not installed", remedy="Install it from https://git-scm.com/downloads"
            )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").replace(self._address.url, self._address.shown)
            raise LoopengtError(
                f"git cannot get {self._address.shown} at {self._address.ref}: {_last(said)}",
                remedy=f"Is it the right address? At most {MAX_FETCHED_KB // 1000} MB are fetched.",
            )
        return done.stdout


def _is_hidden(name: str) -> bool:
    hidden = [part for part in name.split("/") if part.startswith(".")]
    return bool(hidden) and hidden[0].lower() not in _NEVER


def _environment() -> dict[str, str]:
    from loopengt.processes import base_environment

    # The user's own settings count (proxies, certificates, credentials); variables such as GIT_DIR do not.
    own = base_environment(["SSH_AUTH_SOCK", "GIT_SSL_CAINFO"])
    ssh = os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    return own | {
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": ssh,
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }


def _last(text: str) -> str:
    from loopengt.display import one_line, visible

    lines = [line for line in text.splitlines() if line.strip()]
    return visible(one_line(" ".join(lines[-3:]), 300)) or "it says nothing"


def _shown(text: str) -> str:
    # A password in an address that is wrong elsewhere is not shown either.
    return re.sub(r"://[^/@]*@", "://", text)
