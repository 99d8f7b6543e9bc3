"""The files that a suite names: found within the project, and read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from loopengt.errors import SpecError
from loopengt.spec import Problem, read_document
from loopengt_evals.suites.model import FileFrom

if TYPE_CHECKING:
    from loopengt_evals.suites.model import EvalCase
    from loopengt_evals.suites.rows import Place

__all__ = ["Sources"]

_MOST_EXPECTED = 4 * 1024 * 1024
_REFUSED = frozenset({".git", ".loopengt"})


class Sources:
    """Finds and reads files that lie beside a suite.

    Args:
        project: The project folder, out of which no path may lead.
        suite: The suite's file, to which paths are relative.
    """

    def __init__(self, project: Path, suite: Path) -> None:
        self._folder = suite.resolve().parent
        # A suite that lies outside of the project has its own folder for its files.
        inside = self._folder.is_relative_to(project.resolve())
        self._root = project.resolve() if inside else self._folder
        self.read: set[Path] = {suite.resolve()}
        """Files that tell what is expected."""

    def find(self, name: str, place: Place, problems: list[Problem], *at: str | int) -> Path | None:
        """Return the file of that path, or None with the problem added."""
        try:
            path = (self._folder / name).resolve()
            missing = not path.is_file()
        except (OSError, ValueError):  # too long for a name, or with a NUL
            problems.append(place.problem(f"{name[:80]!r} is no path", at=at))
            return None
        if not path.is_relative_to(self._root):
            message = f"the file {name!r} lies outside of {self._root}"
            problems.append(place.problem(message, "put it beside the suite", at=at))
            return None
        if missing:
            problems.append(
                place.problem(f"there is no file {name!r}", f"paths begin at {self._folder}", at=at)
            )
            return None
        return path

    def files(self, case: EvalCase, place: Place, problems: list[Problem]) -> dict[str, Path | bytes]:
        """Return what a case lays into the workspace, by relative path; problems are added."""
        found: dict[str, Path | bytes] = {}
        targets = [PurePosixPath(name) for name in case.files]
        for name, content in case.files.items():
            wrong = _wrong_target(name) or _clash(PurePosixPath(name), targets)
            if wrong:
                hint = "give a path relative to the workspace, with /"
                problems.append(place.problem(f"the file {name!r} {wrong}", hint, at=("files", name)))
            elif isinstance(content, FileFrom):
                path = self.find(content.source, place, problems, "files", name, "from")
                if path is not None and _is_readable(path, name, place, problems):
                    found[name] = path
            else:
                found[name] = content.encode("utf-8", "surrogatepass")
        return found

    def expected(self, name: str, place: Place, problems: list[Problem]) -> Any:
        """Return what a case expects by its ``expected_file``; problems are added."""
        at = "expected_file"
        path = self.find(name, place, problems, at)
        if path is None:
            return None
        self.read.add(path)
        if path.suffix in (".json", ".yaml", ".yml"):
            try:
                document = read_document(path)
            except SpecError as exc:
                problems += exc.problems
                return None
            problems += document.problems
            return document.data
        try:
            if path.stat().st_size > _MOST_EXPECTED:
                raise ValueError(f"it is larger than {_MOST_EXPECTED // 1024**2} MB")
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            problems.append(place.problem(f"the file {name!r} is not UTF-8", at=(at,)))
        except (OSError, ValueError) as exc:
            problems.append(place.problem(f"the file {name!r} cannot be read: {exc}", at=(at,)))
        return None


def _is_readable(path: Path, name: str, place: Place, problems: list[Problem]) -> bool:
    try:
        path.open("rb").close()
    except OSError as exc:
        message = f"the file {str(path)!r} cannot be read: {exc.strerror}"
        problems.append(place.problem(message, at=("files", name, "from")))
        return False
    return True


def _clash(target: PurePosixPath, others: list[PurePosixPath]) -> str:
    """Say with which other file of the case one cannot be laid into the same folder."""
    if others.count(target) > 1:
        return "is there twice"
    within = [other for other in others if target in other.parents]
    return f"would be the folder of {str(within[0])!r}" if within else ""


def _wrong_target(name: str) -> str:
    pure = PurePosixPath(name)
    if not pure.parts or "\0" in name or not name.isprintable():
        return "has no usable name"
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or name.endswith("/"):
        return "would not lie in the workspace"
    kept = _REFUSED.intersection(part.lower() for part in pure.parts)
    return f"would lie in {min(kept)}" if kept else ""
