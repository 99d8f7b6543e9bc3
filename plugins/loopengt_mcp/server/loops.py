"""Finds, loads, checks and writes the loops of the project, for clients that name them by path, name or text."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from loopengt.display import one_line
from loopengt.errors import SpecError, UsageError
from loopengt.naming import hint
from loopengt.spec import parse_document, read_document
from loopengt_hookspecs.errors import LoopRefused
from loopengt_mcp.server.models import LoopInfo, SpecProblem
from loopengt_mcp.server.paths import SUFFIXES, inside, shown
from loopengt_mcp.server.wording import in_tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopengt import Kernel
    from loopengt.spec import LoadedSpec

__all__ = ["FOLDER", "Found", "Loops", "is_loop", "loop_uri"]

FOLDER = "loops"
"""Where new loops are written."""

_SKIPPED = frozenset({"node_modules", "venv", "__pycache__", "build", "dist", "site-packages"})
_MOST_FILES = 2_000
_DEEPEST = 4
_LONGEST = 1_000_000
"""Characters that a loop given as text may have."""


def loop_uri(loop: str) -> str:
    """Return the URI of a loop, by its path in the project."""
    return f"loop://spec/{quote(loop, safe='')}"


@dataclass(frozen=True, slots=True)
class Found:
    """A loop that a client means, loaded."""

    loaded: LoadedSpec
    text: str
    """As it is written."""
    source: Path | None
    """Its file; None: the client gave the text."""
    loop: str
    """How to name it to a client: its path, or its name."""


class Loops:
    """The loops of a project.

    Args:
        kernel: The project.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    # -- finding ----------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """Return the file of a loop.

        Args:
            name: Its path in the project, that of a folder with a ``loop.yaml``, or its own name.

        Raises:
            UsageError: There is none, or the path leads out of the project; the message names the nearest.
        """
        path = inside(self._kernel.project, name)
        if path.is_dir() and (path / "loop.yaml").is_file():
            path = inside(self._kernel.project, f"{name.rstrip('/')}/loop.yaml")
        if path.is_file():
            self._check_is_loop(path, name)
            return path
        for suffix in SUFFIXES:
            for folder in ("", f"{FOLDER}/"):
                near = inside(self._kernel.project, f"{folder}{name}{suffix}")
                if near.is_file():
                    self._check_is_loop(near, name)
                    return near
        return self._by_name(name)

    def known(self) -> Iterator[LoopInfo]:
        """Yield the loops of the project, as far as they can be found without much searching."""
        for path in self._files():
            data = _head(path)
            if data is not None:
                loop = shown(self._kernel.project, path)
                described = one_line(data.get("description") or data.get("goal") or "", 300)
                yield LoopInfo(
                    loop=loop, name=str(data.get("name")), description=described, uri=loop_uri(loop)
                )

    def text(self, name: str) -> str:
        """Return a loop as it is written.

        Raises:
            UsageError: There is none, or it is not readable.
        """
        return _read(self.path(name))

    def name_of(self, text: str) -> str:
        """Return the name that a loop gives itself; empty: none, or the text is no loop."""
        try:
            data = parse_document(text, "spec").data
        except SpecError:
            return ""
        name = data.get("name") if isinstance(data, dict) else None
        return name if isinstance(name, str) else ""

    # -- loading ----------------------------------------------------------------------------------------------

    def load(self, name: str | None, text: str | None, context: Iterable[str] = ()) -> Found:
        """Load a loop by what a client calls it, or from its text.

        Raises:
            UsageError: Neither or both are given, or there is no such loop.
            SpecError: It has problems; files are named relative to the project.
        """
        if (name is None) == (text is None):
            raise UsageError("give either `loop`, the path or name of a loop, or `spec`, the text of one")
        names = frozenset(context)
        if text is not None:
            loaded = self._load_text(text, names)
            return Found(loaded, text, None, loaded.spec.name)
        path = self.path(name or "")
        written = _read(path)
        with _renamed((f"{self._kernel.project.resolve()}/", "")):
            loaded = self._kernel.load_spec(path, names)
        return Found(loaded, written, path, shown(self._kernel.project, path))

    def problems(self, found: Found) -> list[SpecProblem]:
        """Return what the engine would refuse of a sound loop."""
        problems: list[SpecProblem] = []
        for file, spec in (("", found.loaded.spec), *found.loaded.loops.items()):
            for place, message, remedy in self._refusals(spec):
                line, column = found.loaded.document.position(place) if not file else (1, 1)
                problems.append(
                    SpecProblem(
                        file=file or found.loop,
                        line=line,
                        column=column,
                        message=one_line(message, 500),
                        hint=one_line(in_tools(remedy), 500),
                    )
                )
        return problems

    def _refusals(self, spec: Any) -> list[tuple[tuple[str | int, ...], str, str]]:
        try:
            self._kernel.engine().check(spec)
        except LoopRefused as refused:
            return [(place, error.message, error.remedy) for place, error in refused.refusals]
        except UsageError as error:
            return [((), error.message, error.remedy)]
        return []

    def _load_text(self, text: str, context: frozenset[str]) -> LoadedSpec:
        if len(text) > _LONGEST:
            raise UsageError(f"the spec is longer than {_LONGEST:,} characters")
        parsed = parse_document(text, "spec")
        steps = parsed.data.get("steps") if isinstance(parsed.data, dict) else None
        if isinstance(steps, list) and any(isinstance(step, dict) and step.get("loop") for step in steps):
            raise UsageError(
                "a loop that is given as text cannot run other loops, which are named relative to its file",
                remedy="Write it with create_loop, then run it by its path.",
            )
        # The kernel loads files; the folder lies outside the project, so that nothing of it is seen there.
        with TemporaryDirectory(prefix="loopengt-") as folder:
            file = Path(folder) / ("spec.json" if text.lstrip().startswith("{") else "spec.yaml")
            file.write_text(text, encoding="utf-8", errors="replace", newline="")
            with _renamed((f"{file}", "spec")):
                return self._kernel.load_spec(file, context)

    def load_file(self, draft: Path, target: Path) -> LoadedSpec:
        """Load a loop that is to be written; its problems name the file that it is going to be.

        Raises:
            SpecError: It has problems.
        """
        name = shown(self._kernel.project, target)
        with _renamed((str(draft), name), (f"{draft.parent}/", "")):
            return self._kernel.load_spec(draft)

    # -- inside -----------------------------------------------------------------------------------------------

    def _by_name(self, name: str) -> Path:
        known = list(self.known())
        for info in known:
            if info.name == name:
                return inside(self._kernel.project, info.loop)
        names = [each for info in known for each in (info.loop, info.name)]
        raise UsageError(
            f"there is no loop {one_line(name)!r}{hint(name, names)}",
            remedy="list_loops shows the loops of the project, create_loop writes one.",
        )

    def _check_is_loop(self, path: Path, name: str) -> None:
        """Refuse a file of the project that is no loop: clients are not to read others by this way."""
        if not is_loop(path):
            raise UsageError(
                f"{one_line(name)!r} is not the file of a loop", remedy="list_loops shows those that are."
            )

    def _files(self) -> Iterator[Path]:
        root = self._kernel.project
        seen = 0
        for folder, folders, files in os.walk(root):
            depth = len(Path(folder).relative_to(root).parts)
            folders[:] = sorted(
                name
                for name in folders
                if not name.startswith(".") and name not in _SKIPPED and depth < _DEEPEST
            )
            for name in sorted(files):
                if name.endswith(SUFFIXES) and not name.startswith("."):
                    seen += 1
                    if seen > _MOST_FILES:
                        return
                    path = Path(folder, name)
                    if path.resolve().is_relative_to(root.resolve()):
                        yield path


def is_loop(path: Path) -> bool:
    """Whether a file is that of a loop, or of what looks like one and is broken."""
    return path.suffix in SUFFIXES and _head(path, broken=True) is not None


def _head(path: Path, *, broken: bool = False) -> dict[str, Any] | None:
    """Return the data of a file that looks like a loop, else None; of a broken one, when asked, an empty dict."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST + 1)
    except OSError:
        return None
    if len(raw) > _LONGEST or b"steps" not in raw or b"agents" not in raw:
        return None
    try:
        data = read_document(path).data
    except SpecError:
        return {} if broken else None
    if isinstance(data, dict) and {"name", "goal", "agents", "steps"} <= data.keys():
        return data
    return {} if broken else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as exc:
        raise UsageError(f"{path.name} cannot be read: {exc.strerror}") from exc


@contextmanager
def _renamed(*names: tuple[str, str]) -> Iterator[None]:
    """Let the problems of a spec name files as clients do, by replacing one text with another."""

    def renamed(text: str) -> str:
        for old, new in names:
            text = text.replace(old, new)
        return text

    try:
        yield
    except SpecError as error:
        raise SpecError(
            [
                replace(problem, file=renamed(problem.file), message=renamed(problem.message))
                for problem in error.problems
            ]
        ) from error
