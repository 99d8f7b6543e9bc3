"""Notices what code does to the world: files that it writes, programs that it starts, connections that it makes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NamedTuple

__all__ = ["Effect", "children", "watch"]

_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn"})
_CONNECTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"})
_MOVES = frozenset({"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"})
_TEMPORARY = os.path.realpath(gettempdir()) + os.sep
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Effect(NamedTuple):
    """Something that was done to the world."""

    said: str
    writes: bool
    """Whether a file was written, or a folder changed."""


_watchers: list[tuple[str, list[Effect]]] = []
_state = {"hooked": False}


@contextmanager
def watch(folder: Path) -> Iterator[list[Effect]]:
    """Collect the effects of what runs meanwhile in this process, but temporary files outside a folder."""
    if not _state["hooked"]:
        # Such a hook stays for good; without watchers it does nothing.
        sys.addaudithook(_hook)
        _state["hooked"] = True
    seen: list[Effect] = []
    watcher = (os.path.realpath(folder), seen)
    _watchers.append(watcher)
    try:
        yield seen
    finally:
        _watchers.remove(watcher)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _watchers:
        return
    if event in _STARTS:
        _note(Effect(f"started a program ({event} {args[0] if args else ''})", writes=False))
    elif event in _CONNECTS:
        _note(Effect(f"reached for the network ({event})", writes=False))
    elif event in _MOVES or (event == "open" and len(args) == 3 and _is_writing(*args[1:])):
        name = _path(args[0], None if event == "open" else args[-1])
        if name:
            _note(Effect(f"wrote {name} ({event})", writes=True), name)


def _note(effect: Effect, name: str = "") -> None:
    for folder, seen in _watchers:
        temporary = name.startswith(_TEMPORARY) and not name.startswith(folder + os.sep)
        if not temporary:
            seen.append(effect)


def _is_writing(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITING)


def _path(given: Any, folder: Any) -> str:
    """Return the path of a file; empty: it is none that counts, such as a device or compiled code.

    Args:
        given: The path.
        folder: The file descriptor of the folder that the path is relative to, else what is no descriptor.
    """
    if not isinstance(given, str | bytes | os.PathLike):
        return ""
    base = os.getcwd()
    if type(folder) is int and folder > 2 and not os.path.isabs(os.fsdecode(given)):
        try:
            base = os.readlink(f"/proc/self/fd/{folder}")
        except OSError:
            return ""
    name = os.path.normpath(os.path.join(base, os.fsdecode(given)))
    return "" if name.startswith("/dev/") or "__pycache__" in name else name


def children() -> set[int]:
    """Return the ids of the programs that this process has started, theirs included, and that still run."""
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.name.isdigit():
            status = _status(entry.path)
            if status is not None:
                parents[int(entry.name)] = status
    found = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {os.getpid()}


def _status(folder: str) -> int | None:
    """Return the parent of a process; None: it is gone, or a zombie."""
    try:
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[1])
