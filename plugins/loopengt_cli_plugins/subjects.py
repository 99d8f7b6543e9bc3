"""Finds the plugins that a command is to look at: those of a folder with sources, or installed ones by their name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt.naming import normalise
from loopengt_hookspecs import PROJECT

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["Entry", "Subject", "find_subject", "read_folder"]

PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry point of the group ``loopengt``."""

    name: str
    """Name of the plugin, normalised."""
    value: str
    """What is imported: ``package.module``."""

    @property
    def module(self) -> str:
        """The module alone."""
        return self.value.partition(":")[0].strip()


@dataclass(frozen=True, slots=True)
class Subject:
    """A distribution with plugins."""

    distribution: str
    version: str
    entries: tuple[Entry, ...]
    requires: tuple[str, ...]
    """Its requirements, those of extras left out."""
    folder: Path | None = None
    """The folder with its sources; None: it was found as it is installed."""
    samples: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.loopengt.samples]`` of its pyproject.toml: what suites are told, by kind and name."""

    @property
    def place(self) -> str:
        """Where it was found, for people."""
        return str(self.folder) if self.folder else "installed"

    @property
    def paths(self) -> list[str]:
        """What Python's path needs in front, so that the sources are imported."""
        if self.folder is None:
            return []
        inner = self.folder / "src"
        return [str(folder.resolve()) for folder in (inner, self.folder) if folder.is_dir()]

    def environ(self, environ: dict[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a program that imports the sources."""
        base = dict(os.environ if environ is None else environ)
        path = [*self.paths, *filter(None, [base.get("PYTHONPATH", "")])]
        return base | ({"PYTHONPATH": os.pathsep.join(path)} if path else {})


def find_subject(kernel: Kernel, target: str | None) -> Subject:
    """Return what a person means.

    Args:
        kernel: Knows the installed plugins.
        target: A folder, or the name of a plugin or of a distribution; None: the working directory.

    Raises:
        UsageError: It is neither, or has no plugin.
    """
    if target is None:
        return read_folder(Path())
    if "/" not in target and not target.startswith("."):
        from loopengt_cli_plugins.finding import find_records

        try:
            records = find_records(kernel, target)
        except UsageError:
            if not Path(target).is_dir():
                raise
        else:
            return _installed(target, sorted({record.distribution for record in records}))
    return read_folder(Path(target))


def read_folder(folder: Path) -> Subject:
    """Read the pyproject.toml of a folder.

    Raises:
        UsageError: There is none, it is invalid, or it declares no plugin.
    """
    import tomllib

    file = folder / PYPROJECT
    try:
        document: Any = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"there is no {file}", remedy="name the folder of a plugin, or begin one: loopengt plugins new"
        ) from None
    except OSError as exc:
        raise UsageError(f"{file} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{file} is not valid TOML: {exc}") from exc
    tool = _table(document, "tool")
    project = _table(document, "project") or _table(tool, "poetry")
    entries = _table(project, "entry-points", PROJECT) or _table(tool, "poetry", "plugins", PROJECT)
    if not entries or not all(isinstance(value, str) for value in entries.values()):
        dynamic = "entry-points" in (project.get("dynamic") or ())
        raise UsageError(
            f"{file} declares no plugin of loopengt",
            remedy="it is computed: install the distribution, and give its name"
            if dynamic
            else f'add [project.entry-points.{PROJECT}] with NAME = "package.plugin"',
        )
    requires = project.get("dependencies")
    return Subject(
        str(project.get("name", "")),
        str(project.get("version", "")),
        tuple(Entry(normalise(name), value) for name, value in sorted(entries.items())),
        tuple(str(item) for item in requires) if isinstance(requires, list) else (),
        folder,
        _table(tool, "loopengt", "samples"),
    )


def _table(document: Any, *path: str) -> dict[str, Any]:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _installed(target: str, distributions: list[str]) -> Subject:
    import importlib_metadata

    named = [name for name in distributions if name]
    if not named:
        raise UsageError(
            f"{target!r} is the project's own plugin, which is no distribution",
            remedy="what is wrong with it is told by: loopengt plugins info project",
        )
    if len(named) > 1:
        raise UsageError(f"{target!r} is in {' and '.join(named)}", remedy="name the distribution")
    found = importlib_metadata.distribution(named[0])
    wanted = normalise(target)
    entries = [
        Entry(normalise(entry.name), entry.value) for entry in found.entry_points.select(group=PROJECT)
    ]
    # One plugin of a distribution with many can be meant.
    chosen = [entry for entry in entries if wanted in (entry.name, f"{normalise(named[0])}/{entry.name}")]
    return Subject(
        named[0],
        found.version,
        tuple(sorted(chosen or entries, key=lambda entry: entry.name)),
        tuple(item for item in found.requires or () if "extra ==" not in item),
    )
