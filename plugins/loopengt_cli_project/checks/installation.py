"""Checks of what is installed: Python, loopengt, and entry points that an edit has made stale."""

from __future__ import annotations

import json
import platform
import shlex
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import loopengt
from loopengt.naming import normalise
from loopengt_cli_project.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from importlib_metadata import IDistribution

    from loopengt import Kernel

__all__ = ["check_entry_points", "check_loopengt", "check_python"]

GROUP = "loopengt"
OLDEST_PYTHON = (3, 11)


def check_python(kernel: Kernel) -> Iterator[Finding]:
    """Say which Python runs this."""
    message = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info >= OLDEST_PYTHON:
        yield Finding("python", "ok", message)
    else:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield Finding("python", "fail", message, f"install loopengt with Python {oldest} or newer")


def check_loopengt(kernel: Kernel) -> Iterator[Finding]:
    """Say which loopengt this is and how it was installed."""
    folder = Path(loopengt.__file__).parent
    message = f"{loopengt.__version__} in {folder}"
    own = [found for found in _distributions() if _name(found) == "loopengt"]
    if not own:
        yield Finding(
            "loopengt",
            "warn",
            f"{message}, which is not installed, so that its plugins are not found",
            "pip install loopengt, or, in a checkout: pip install -e .",
        )
        return
    source = _editable_source(own[0])
    origin = f"editable from {source}" if source else _origin(own[0])
    if own[0].version != loopengt.__version__:
        yield Finding(
            "loopengt",
            "warn",
            f"{message}, but version {own[0].version} is installed ({origin})",
            _reinstall(source) if source else "pip install --force-reinstall loopengt",
        )
    elif source and not folder.is_relative_to(source):
        yield Finding("loopengt", "warn", f"{message}, but it is installed {origin}", "unset PYTHONPATH")
    else:
        yield Finding("loopengt", "ok", f"{message}, {origin}")


def check_entry_points(kernel: Kernel) -> Iterator[Finding]:
    """Compare what editable installs say of their plugins with what their pyproject.toml says by now."""
    stale = False
    for distribution in _distributions():
        source = _editable_source(distribution)
        wanted = _declared(source) if source else None
        if source is None or wanted is None:
            continue
        known = {entry.name: entry.value for entry in distribution.entry_points.select(group=GROUP)}
        changes = _changes(known, wanted)
        if changes:
            stale = True
            message = f"{distribution.name}: {'; '.join(changes)}"
            yield Finding("entry points", "warn", message, _reinstall(source))
    if not stale:
        yield Finding("entry points", "ok", "those of editable installs are as their pyproject.toml says")


def _changes(known: dict[str, str], wanted: dict[str, str]) -> list[str]:
    changes = (
        ("in pyproject.toml but not installed", wanted.keys() - known.keys()),
        ("installed but no longer in pyproject.toml", known.keys() - wanted.keys()),
        (
            "changed in pyproject.toml since it was installed",
            {name for name in wanted.keys() & known.keys() if wanted[name] != known[name]},
        ),
    )
    return [f"{', '.join(sorted(names))} {what}" for what, names in changes if names]


def _distributions() -> Iterator[IDistribution]:
    import importlib_metadata

    seen: set[str] = set()
    for distribution in importlib_metadata.distributions():
        name = _name(distribution)
        # Of two with one name the first on sys.path counts.
        if name and name not in seen:
            seen.add(name)
            yield distribution


def _name(distribution: IDistribution) -> str:
    """The normalised name; empty for a folder of broken metadata, on which reading fails in many ways."""
    try:
        return normalise(distribution.name or "")
    except Exception:
        return ""


def _editable_source(distribution: IDistribution) -> Path | None:
    """The folder that an editable install points at."""
    origin = _direct_url(distribution)
    info, url = origin.get("dir_info"), urlsplit(str(origin.get("url", "")))
    if not isinstance(info, dict) or info.get("editable") is not True or url.scheme != "file":
        return None
    return Path(url2pathname(url.path))


def _origin(distribution: IDistribution) -> str:
    url = _direct_url(distribution).get("url")
    return f"installed from {url}" if url else f"installed in {distribution.locate_file('')}"


def _direct_url(distribution: IDistribution) -> dict[str, Any]:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return origin if isinstance(origin, dict) else {}


def _declared(source: Path) -> dict[str, str] | None:
    """The plugins that a source folder declares by now; None when its pyproject.toml does not say."""
    try:
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8")).get("project")
    except (OSError, ValueError):
        return None
    if not isinstance(project, dict) or "entry-points" in project.get("dynamic", ()):
        return None
    groups = project.get("entry-points")
    declared = groups.get(GROUP, {}) if isinstance(groups, dict) else {}
    return {name: str(value) for name, value in declared.items()} if isinstance(declared, dict) else None


def _reinstall(source: Path) -> str:
    return f"pip install -e {shlex.quote(str(source))}"
