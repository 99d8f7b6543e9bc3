"""Runs git on a folder that we name, whatever hooks, variables and settings of the user are around."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import LoopengtError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "IDENTITY",
    "git",
    "git_errors",
    "git_lines",
    "git_output",
    "git_status",
    "quoted",
    "run_git",
    "start_git",
]

_NOT_PASSED = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_ATTR_SOURCE",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_EXTERNAL_DIFF",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
"""Variables that git hooks and people set: with them, git would work on another repository or other files."""

_SETTINGS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
)  # fmt: skip
"""Hooks, prompts and background work have no place in an unattended run."""

IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "loopengt"), ("EMAIL", "loopengt@localhost"))
}
"""Environment of commits that are ours alone."""


def git(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    check: bool = True,
    environ: Mapping[str, str] | None = None,
) -> bytes:
    """Run git in a folder and return what it prints; nothing, unless ``check``, when it fails or is not there.

    Raises:
        CalledProcessError: It fails.
        LoopengtError: It is not installed.
    """
    try:
        done = run_git(folder, *arguments, stdin=stdin, environ=environ)
    except FileNotFoundError:
        if check:
            raise LoopengtError("git is not installed", remedy="Install git.") from None
        return b""
    if check:
        done.check_returncode()
    return done.stdout if done.returncode == 0 else b""


def git_output(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> bytes | None:
    """Run git in a folder and return what it prints; None when it fails or is not there."""
    try:
        done = run_git(folder, *arguments, environ=environ)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def git_status(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> int:
    """Run git in a folder and return its exit status; 127 when there is no git."""
    try:
        return run_git(folder, *arguments, environ=environ).returncode
    except FileNotFoundError:
        return 127


def git_lines(folder: Path, *arguments: str) -> list[str]:
    """Return what git prints with ``-z``: the parts between its zero bytes."""
    return [os.fsdecode(part) for part in git(folder, *arguments).split(b"\0") if part]


@contextmanager
def start_git(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start git with pipes to talk to it; it is ended with the block."""
    command, environment = _command(folder, arguments, None)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run_git(
    folder: Path, *arguments: str, stdin: bytes | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and return how it ended.

    Raises:
        FileNotFoundError: It is not installed.
    """
    command, environment = _command(folder, arguments, environ)
    # In a session of its own: a terminal's Ctrl-C is for us, and must not leave half a workspace.
    return subprocess.run(
        command, input=stdin or b"", capture_output=True, env=environment, start_new_session=True, check=False
    )


def _command(
    folder: Path, arguments: tuple[str, ...], environ: Mapping[str, str] | None
) -> tuple[list[str], dict[str, str]]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(environ or {})}
    return ["git", "-C", str(folder), *_SETTINGS, *arguments], environment


@contextmanager
def git_errors(what: str, remedy: str = "") -> Iterator[None]:
    """Turn failures of git and of the file system into an error that a person can act on.

    Raises:
        LoopengtError: ``what`` cannot be done, with the words of git or of the system.
    """
    try:
        yield
    except subprocess.CalledProcessError as exc:
        detail = (exc.stderr or b"").decode(errors="replace").strip() or f"git ended with {exc.returncode}"
        raise LoopengtError(f"{what}: {detail}", remedy=remedy) from exc
    except OSError as exc:
        raise LoopengtError(f"{what}: {exc}", remedy=remedy) from exc


def quoted(path: bytes) -> bytes:
    """Return a path as git reads it from a line of text: with the quotes and escapes of C."""
    plain = b"".join(
        bytes((byte,)) if 32 <= byte < 127 and byte not in b'"\\' else b"\\%03o" % byte for byte in path
    )
    return b'"' + plain + b'"'
