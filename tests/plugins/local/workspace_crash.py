"""Kills the making, merging or discarding of a workspace before each thing that it does to the disk, and looks after.

Usage: ``workspace_crash.py FOLDER make|merge|discard worktree|copy STRIDE``. Prints how many points were tried.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workspace_kit import (
    PROJECT,
    by_the_agent,
    check_it_is_there,
    check_nothing_is_left,
    everything,
    git,
    write,
)

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import WorkspaceKind
from loopengt_hookspecs.storage import RunRow
from loopengt_local.workspaces.finishing import finish
from loopengt_local.workspaces.leftovers import list_leftovers, remove_leftover
from loopengt_local.workspaces.workspace import make_workspace

ROW = RunRow("r", "demo", "completed", "goal_met", completed_at=1.0)
TOUCHES = (
    "os.rename",
    "os.link",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.symlink",
    "os.chmod",
    "subprocess.Popen",
)


def dies_at(number: int, call: Callable[[], object]) -> bool:
    """Make a call in a process that kills itself before the n-th thing it does to the disk; say whether it did."""
    pid = os.fork()
    if pid == 0:
        count = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            writes = (
                event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            )
            if event in TOUCHES or writes:
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        call()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status != 0


def prepared(project: Path, kind: str) -> None:
    """Make a project with uncommitted work in it."""
    write(project, PROJECT)
    if kind == "worktree":
        git(project, "init", "-q", "-b", "main")
        git(project, "add", "-A")
        git(project, "commit", "-qm", "first")
        write(project, {"rest.py": "z\n", "mine.txt": "not committed\n", "noise.log": "ignored\n"})


def clear(project: Path, known: tuple[str, ...]) -> None:
    """Do what ``runs prune`` does."""
    for leftover in list_leftovers(project, known, min_age_seconds=0):
        remove_leftover(project, leftover)
    assert list_leftovers(project, known, min_age_seconds=0) == []


def without_ids(state: dict[str, object]) -> dict[str, object]:
    """A state of a project without the id of its commit, which tells the time."""
    return state | {".git": state[".git"][1:]} if ".git" in state else state  # type: ignore[index]  # a tuple


class Scene:
    """A project that is put back for each try."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.project = folder / "the project"
        self.kind = WorkspaceKind(kind)
        self._template = folder / "template"
        self.facts: dict[str, Any] = {}
        prepared(self.project, kind)

    def make(self) -> None:
        """Make the workspace."""
        self.facts = make_workspace(self.project, "r", kind=self.kind, limit_mb=100).record()

    def keep(self) -> None:
        """Keep the project as it is now."""
        shutil.copytree(self.project, self._template, symlinks=True)

    def put_back(self) -> None:
        """Make the project what was kept."""
        shutil.rmtree(self.project)
        shutil.copytree(self._template, self.project, symlinks=True)

    def try_all(self, stride: int, once: Callable[[int], bool]) -> int:
        """Try each point, or some; return how many there were."""
        number, tried = 1, 0
        while once(number):
            tried += 1
            number += stride
            self.put_back()
        return tried


def make(scene: Scene, stride: int) -> int:
    """Kill the making: what is left is cleared away, and a second run makes its workspace."""
    (scene.project / ".loopengt/workspaces").mkdir(parents=True)
    (scene.project / ".loopengt/merging").mkdir()
    scene.keep()
    before = everything(scene.project)

    def once(number: int) -> bool:
        died = dies_at(number, scene.make)
        assert everything(scene.project) == before
        if died:
            clear(scene.project, ())
            check_nothing_is_left(scene.project)
        else:
            clear(scene.project, ("r",))
            shutil.rmtree(scene.project / ".loopengt/workspaces/r")
            clear(scene.project, ("r",))
        scene.make()
        return died

    return scene.try_all(stride, once)


def end(scene: Scene, stride: int, action: str) -> int:
    """Kill a merge or discard: the project is as before or merged, and a second try comes to the end."""
    scene.make()
    by_the_agent(scene.project / ".loopengt/workspaces/r")
    scene.keep()
    before = without_ids(everything(scene.project))
    finish(scene.project, ROW, scene.facts, action)  # type: ignore[arg-type]  # a literal
    after = without_ids(everything(scene.project))
    scene.put_back()

    def once(number: int) -> bool:
        died = dies_at(number, lambda: finish(scene.project, ROW, scene.facts, action))  # type: ignore[arg-type]  # as above
        if number // stride % 2:
            clear(scene.project, ("r",))
            assert without_ids(everything(scene.project)) in (before, after)
        try:
            finish(scene.project, ROW, scene.facts, action)  # type: ignore[arg-type]  # as above
        except UsageError as exc:
            if "is gone" not in exc.message:
                raise
        assert without_ids(everything(scene.project)) == after
        if action == "merge":
            check_it_is_there(scene.project)
        clear(scene.project, ("r",))
        check_nothing_is_left(scene.project)
        return died

    return scene.try_all(stride, once)


if __name__ == "__main__":
    where, what, sort, step = sys.argv[1:]
    made = Scene(Path(where), sort)
    print(make(made, int(step)) if what == "make" else end(made, int(step), what))
