"""Checks a proposed loop as ``loopengt validate`` does, and whether it would notice that its work is not done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from loopengt.errors import LoopengtError, SpecError
from loopengt.temporary import temporary_folder
from loopengt_hookspecs.errors import LoopRefused, UsageError

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.spec import LoadedSpec, Problem
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["SPEC", "Checked", "check_files", "unchecked"]

SPEC: Final = "loop.yaml"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check."""

    loaded: LoadedSpec | None
    """The loop; None: it has problems."""
    problems: tuple[str, ...] = ()
    """What is wrong, each with line and column."""


def check_files(kernel: Kernel, files: Mapping[str, str]) -> Checked:
    """Check a loop as it would stand in the project.

    Args:
        kernel: The project.
        files: Its files by their path; ``loop.yaml`` is the loop, others are those that it names.

    Raises:
        ConfigError: The config is not usable.
    """
    with _place(kernel, alone=len(files) == 1) as folder:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="surrogateescape")
        try:
            loaded = kernel.load_spec(folder / SPEC)
        except SpecError as error:
            return Checked(None, tuple(_line(problem, folder) for problem in error.problems))
        except LoopengtError as error:
            return Checked(None, (f"{SPEC}:1:1: {error}",))
    refused = tuple(_line(problem, folder) for problem in _refusals(kernel, loaded))
    return Checked(None, refused) if refused else Checked(loaded)


def unchecked(spec: LoopSpec) -> str:
    """Say why a loop would not notice that its work is not done; empty: it would.

    Args:
        spec: A sound loop.
    """
    used = {name for step in spec.steps for name in step.verification_gates}
    if not used:
        return (
            "no step names a gate in verification_gates, so that nothing proves the work: declare one under "
            "policy.verification_gates, of kind command where a program can tell, and name it in a step"
        )
    loose = [gate for gate in spec.policy.verification_gates if gate.name in used]
    if all(
        gate.on_failure == "continue" or gate.condition.strip().lower() in ("true", "1") for gate in loose
    ):
        return "every gate lets everything pass: at least one must be able to fail the step"
    return ""


@contextmanager
def _place(kernel: Kernel, *, alone: bool) -> Iterator[Path]:
    """A folder for the files; where they name each other it has to be inside the project."""
    if alone:
        with temporary_folder(kernel.project) as folder:
            yield folder
        return
    with TemporaryDirectory(prefix=".loopengt-design-", dir=kernel.project) as name:
        yield Path(name)


def _refusals(kernel: Kernel, loaded: LoadedSpec) -> list[Problem]:
    found = []
    for spec in (loaded.spec, *loaded.loops.values()):
        for place, error in _refused(kernel.engine(), spec):
            position = loaded.document.position(place) if spec is loaded.spec else (1, 1)
            found.append(loaded.document.problem(position, error.message, error.remedy))
    return sorted(found)


def _refused(engine: Any, spec: LoopSpec) -> Any:
    try:
        engine.check(spec)
    except LoopRefused as refused:
        return refused.refusals
    except UsageError as error:
        return [((), error)]
    return []


def _line(problem: Problem, folder: Path) -> str:
    """Write a problem without the folder, of which nobody knows."""
    file = os.path.relpath(problem.file, folder) if os.path.isabs(problem.file) else problem.file
    text = str(replace(problem, file=SPEC if file.startswith("..") else file))
    return text.replace(f"{folder}{os.sep}", "").replace(str(folder), ".")
