"""Finds the loops that the steps of a loop run as child runs: reads their files, and checks each like a loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from loopengt.errors import SpecError
from loopengt.spec.problems import Problem
from loopengt.spec.tree import show

if TYPE_CHECKING:
    from loopengt.spec.document import Document
    from loopengt.spec.load import LoadedSpec
    from loopengt_hookspecs.models import LoopSpec, StepSpec

__all__ = ["MAX_DEPTH", "LoadOne", "LoopFile", "find_loops", "loop_key"]

MAX_DEPTH: Final = 16
"""How many loops may stand one within the other, below the first."""

LoadOne: TypeAlias = "Callable[[Path, frozenset[str]], LoadedSpec]"
"""Loads one file without the loops below it, given the names that its context has on top of its own."""


@dataclass(frozen=True, slots=True)
class LoopFile:
    """The loop whose steps are looked at: the first of all, or one of those below it."""

    spec: LoopSpec
    path: Path
    """The file, absolute; what its steps name is relative to its folder."""
    shown: str
    """The file, as problems name it."""
    document: Document | None = None
    """Where everything in it is written; None: problems name the file alone."""


def loop_key(file: str, loop: str) -> str:
    """Return what the loop of a step is called within its project.

    Args:
        file: Path of the file that declares the step, relative to the project.
        loop: What the step says, relative to that file's folder.
    """
    return os.path.normpath(os.path.join(os.path.dirname(file), loop)).replace(os.sep, "/")


def find_loops(root: LoopFile, project: Path, load: LoadOne) -> tuple[dict[str, LoopSpec], list[Problem]]:
    """Load all loops below a loop.

    Args:
        root: The loop.
        project: The project folder, which none of them may leave.
        load: Loads one of them.

    Returns:
        The loops by their path in the project (see ``loop_key``), and what is wrong with them or the steps that
        name them. A problem within one of them begins with the steps that lead to it.
    """
    walk = _Walk(project.resolve(), load, relative=not os.path.isabs(root.shown))
    walk.visit(root, (), ())
    return walk.loops, walk.problems


class _Walk:
    """One walk through the tree of files, each of them looked at once for each set of names it is given."""

    def __init__(self, project: Path, load: LoadOne, *, relative: bool) -> None:
        self.loops: dict[str, LoopSpec] = {}
        self.problems: list[Problem] = []
        self._project = project
        self._load = load
        self._relative = relative
        self._heights: dict[tuple[Path, frozenset[str]], int] = {}

    def visit(self, parent: LoopFile, trail: tuple[Path, ...], steps: tuple[str, ...]) -> int:
        """Look at the steps of a loop; return how many loops stand one within the other below it."""
        height = 0
        trail = (*trail, parent.path.resolve())
        for index, step in enumerate(parent.spec.steps):
            if step.loop is not None:
                below = self._step(parent, step, step.loop, index, trail, steps)
                height = max(height, below)
        return height

    def _step(
        self,
        parent: LoopFile,
        step: StepSpec,
        loop: str,
        index: int,
        trail: tuple[Path, ...],
        steps: tuple[str, ...],
    ) -> int:
        path = Path(os.path.normpath(parent.path.parent / loop))
        wrong = self._misplaced(loop, path) or self._circle(path, trail)
        if wrong:
            self._complain(parent, index, steps, *wrong)
            return 0
        # What the step hands down stands in the loop's context, beside the loop's own names.
        given = frozenset(step.inputs) | ({"request"} if step.prompt_template else frozenset())
        height = self._heights.get((path, given))
        if height is None and len(trail) <= MAX_DEPTH:
            height = self._heights[path, given] = self._enter(path, given, trail, (*steps, step.name))
        if height is None or len(trail) + height > MAX_DEPTH:
            said = f"more than {MAX_DEPTH} loops stand one within the other here"
            self._complain(parent, index, steps, said, "put some of the steps into one loop")
            return 0
        return height + 1

    def _enter(
        self, path: Path, given: frozenset[str], trail: tuple[Path, ...], steps: tuple[str, ...]
    ) -> int:
        try:
            loaded = self._load(Path(self._shown(path)), given)
        except SpecError as error:
            self.problems += [_within(problem, steps) for problem in error.problems]
            return 0
        self.loops[os.path.relpath(path, self._project).replace(os.sep, "/")] = loaded.spec
        found = LoopFile(loaded.spec, path, loaded.document.path, loaded.document)
        return self.visit(found, trail, steps)

    def _misplaced(self, loop: str, path: Path) -> tuple[str, str] | None:
        """Say what is wrong with the place of a file, in words and with what to do."""
        if os.path.isabs(loop):
            return f"the loop {show(loop)} is an absolute path", "write it relative to this file"
        if path.is_dir():
            return f"the loop {show(loop)} is a folder", f"name the file: {Path(loop) / 'loop.yaml'}"
        if not path.is_file():
            return f"there is no loop {show(loop)}", f"looked for at {path}; it is relative to this file"
        if not path.resolve().is_relative_to(self._project) or not path.is_relative_to(self._project):
            return f"the loop {show(loop)} lies outside the project", f"the project is {self._project}"
        return None

    def _circle(self, path: Path, trail: tuple[Path, ...]) -> tuple[str, str] | None:
        real = path.resolve()
        if real not in trail:
            return None
        circle = [*trail[trail.index(real) :], real]
        names = " -> ".join(os.path.relpath(part, self._project) for part in circle)
        return f"the loops run in a circle: {names}", "a loop cannot be a part of itself"

    def _complain(self, file: LoopFile, index: int, steps: tuple[str, ...], said: str, hint: str) -> None:
        line, column = file.document.position(("steps", index, "loop")) if file.document else (1, 1)
        self.problems.append(_within(Problem(file.shown, line, column, said, hint), steps))

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path) if self._relative else str(path)


def _within(problem: Problem, steps: tuple[str, ...]) -> Problem:
    """Say which steps pull the file in that a problem lies in."""
    if not steps:
        return problem
    names = " > ".join(show(step) for step in steps)
    return replace(problem, message=f"loop of step {names}: {problem.message}")
