"""Shows a judge files of a workspace, and what has changed in it; all of it quoted and bounded."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from loopengt.judging import quoted
from loopengt.processes import base_environment, run_program
from loopengt_hookspecs.errors import AgentError, JudgeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["changes_in", "files_in", "is_inside"]

_MOST_FILES = 50
_MOST_CHARACTERS = 120_000
"""Characters of all files together."""
_LONGEST = 30_000
"""Characters of one file, or of the changes."""
_READ = 200_000
"""Bytes of a file that are read: half from its beginning, half from its end."""
_MOST_ENTRIES = 200_000
_LEFT_OUT = (".git", ".loopengt")
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=true")
_SECONDS = 60.0


def is_inside(pattern: str) -> bool:
    """Whether a pattern of files stays in the workspace."""
    parts = pattern.split("/")
    return bool(pattern.strip()) and not pattern.startswith("/") and ".." not in parts and "\0" not in pattern


async def files_in(workspace: Path | None, patterns: Sequence[str]) -> list[str]:
    """Return the files that fit any of the patterns, each quoted with its path, and what was left out.

    Links are not followed. A pattern without a slash fits names in every folder; ``**`` stands for any folders.

    Raises:
        JudgeError: The workspace is gone, or holds too much to look through.
    """
    workspace = _there(workspace, "files")
    return await asyncio.to_thread(
        _files, str(workspace), [_parts(pattern) for pattern in patterns], patterns
    )


async def changes_in(workspace: Path | None) -> str:
    """Return what differs from the last commit, new files included, quoted.

    Raises:
        JudgeError: The workspace is gone, or git cannot tell.
    """
    workspace = _there(workspace, "changes")
    shown = (
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--relative",
        "HEAD",
        "--",
        ".",
        ":(exclude).loopengt",
    )
    diff = await _git(workspace, "diff", *shown)
    new = await _git(
        workspace, "ls-files", "-z", "--others", "--exclude-standard", "--", ".", ":(exclude).loopengt"
    )
    paths = sorted(path for path in new.split("\0") if path)
    added = await asyncio.to_thread(_shown, str(workspace), paths)
    text = diff.strip() or ("There are no changes." if not added else "")
    parts = [quoted("changes", text, longest=_LONGEST)] if text else []
    return "\n\n".join([*parts, *(["New files:", *added] if added else [])])


def _there(workspace: Path | None, what: str) -> Path:
    if workspace is None or not workspace.is_dir():
        raise JudgeError(f"the workspace is gone, whose {what} the judge is to see")
    return workspace


async def _git(workspace: Path, *arguments: str) -> str:
    try:
        result = await run_program(
            [*_GIT, *arguments],
            cwd=workspace,
            env=base_environment() | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            timeout=_SECONDS,
        )
    except AgentError as exc:
        raise JudgeError(f"what has changed is unknown: {exc.message}", remedy=exc.remedy) from exc
    if result.exit_code != 0:
        told = result.err.text.strip().splitlines()
        raise JudgeError(
            f"what has changed in the workspace is unknown: git ended with {result.ending}"
            + (f": {told[0][:200]}" if told else ""),
            remedy="Take changes out, or work in a git repository with a commit.",
        )
    return result.out.text


def _files(root: str, patterns: Sequence[Sequence[str]], written: Sequence[str]) -> list[str]:
    found = [path for path in _walk(root) if any(_fits(pattern, path.split("/")) for pattern in patterns)]
    if not found:
        return [f"No file of the workspace fits {', '.join(map(json.dumps, written))}."]
    return _shown(root, found)


def _shown(root: str, paths: Sequence[str]) -> list[str]:
    parts: list[str] = []
    left = _MOST_CHARACTERS
    for path in paths[:_MOST_FILES]:
        text = f"path: {json.dumps(path)}\n{_content(os.path.join(root, path))}"
        parts.append(quoted("file", text, longest=max(200, min(_LONGEST, left))))
        left -= len(text)
    if len(paths) > _MOST_FILES:
        parts.append(f"({len(paths) - _MOST_FILES} more files are not shown.)")
    return parts


def _walk(root: str) -> Iterator[str]:
    """Yield the plain files below a folder, by their paths in it, sorted."""
    seen = 0
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        seen += len(listed)
        if seen > _MOST_ENTRIES:
            raise JudgeError(
                f"the workspace holds more than {_MOST_ENTRIES:,} files",
                remedy="Take files out of the judge.",
            )
        below = []
        for entry in listed:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name in _LEFT_OUT:
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
        waiting += reversed(below)


def _content(place: str) -> str:
    """Return the text of a file; of a long one its beginning and its end."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as exc:
        return f"[it cannot be read: {exc.strerror}]"
    with open(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            return "[it is no plain file]"
        raw = file.read(_READ // 2)
        if b"\0" in raw[:8000]:
            return f"[it is binary, {facts.st_size:,} bytes]"
        if facts.st_size > _READ:
            file.seek(-(_READ // 2), os.SEEK_END)
            left_out = facts.st_size - _READ
            raw += b"\n[... %d bytes left out ...]\n" % left_out
        return (raw + file.read(_READ // 2)).decode("utf-8", "replace")


def _parts(pattern: str) -> list[str]:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    return parts if "/" in pattern else ["**", *parts]


def _fits(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Whether a path fits: which places of the pattern can have been reached after each name, without backtracking."""
    reached = _past_stars(pattern, {0})
    for name in path:
        reached = _past_stars(
            pattern,
            {
                at if pattern[at] == "**" else at + 1
                for at in reached
                if at < len(pattern) and (pattern[at] == "**" or fnmatchcase(name, pattern[at]))
            },
        )
    return len(pattern) in reached


def _past_stars(pattern: Sequence[str], reached: set[int]) -> set[int]:
    found = set(reached)
    for place in sorted(reached):
        at = place
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            found.add(at)
    return found
