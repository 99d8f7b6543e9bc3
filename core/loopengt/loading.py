"""Brings config, switches and candidates together and loads the plugins of one kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loopengt.discovery import Candidate, Switches, installed_plugins, project_plugin
from loopengt.errors import ConfigError, UsageError
from loopengt.naming import hint, normalise
from loopengt.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from loopengt.config import Config

__all__ = ["Wanted", "load_plugins"]

_BY_CALLER = "-p no:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the kernel's maker said of plugins."""

    disabled: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    plugins: tuple[tuple[str, object], ...] | None = None
    """Exactly these, as (name, module), in place of the installed ones; None: the installed ones."""
    notes: list[str] = field(default_factory=list)
    """Filled while loading: what a person should know."""


def load_plugins(
    wanted: Wanted, config: Callable[[], Config], project: Path, environ: Mapping[str, str]
) -> Registry:
    """Find and load the plugins.

    Args:
        wanted: What the kernel's maker said.
        config: Reads the config; may raise ``ConfigError``, which is noted.
        project: The project folder.
        environ: The environment.

    Raises:
        UsageError: The maker names a plugin that does not exist.
    """
    wanted.notes.clear()
    switches = _switches(wanted, config, environ)
    candidates = _candidates(wanted, project, environ)
    known = {candidate.name for candidate in candidates}
    for name, by in switches.unknown(candidates).items():
        message = f"there is no plugin {name!r}{hint(name, known)}"
        if by in ("", f"switched off by {_BY_CALLER}"):
            raise UsageError(message, remedy="loopengt plugins list shows all of them")
        wanted.notes.append(f"{message}; it is {by}")
    trace = _print_trace if environ.get("LOOPENGT_TRACE_PLUGINS") == "1" else None
    registry = Registry(strict=environ.get("LOOPENGT_STRICT_PLUGINS") == "1", trace=trace)
    registry.load_all(candidates, switches)
    return registry


def _switches(wanted: Wanted, config: Callable[[], Config], environ: Mapping[str, str]) -> Switches:
    switches = Switches()
    try:
        settings = config()
    except ConfigError as exc:
        # What is switched off is not known then, and what may be switched off must not be imported.
        if wanted.plugins is None:
            switches.only_own = "not loaded, since the config that may disable it is not usable"
        wanted.notes.append(str(exc))
    else:
        by = f"plugins.disabled of {settings.source('plugins', 'disabled')}"
        switches.disable(settings.plugins.disabled, by, "to enable it: loopengt plugins enable NAME")
    named = environ.get("LOOPENGT_DISABLE_PLUGINS", "").split(",")
    switches.disable(filter(None, map(str.strip, named)), "LOOPENGT_DISABLE_PLUGINS")
    switches.disable(wanted.disabled, _BY_CALLER)
    switches.enable(wanted.enabled)
    return switches


def _candidates(wanted: Wanted, project: Path, environ: Mapping[str, str]) -> list[Candidate]:
    if wanted.plugins is not None:
        return [_given(name, module) for name, module in wanted.plugins]
    candidates = list(installed_plugins())
    if not candidates:
        wanted.notes.append("no plugins are installed; in a checkout of loopengt run: pip install -e .")
    own = project_plugin(project, environ)
    return [*candidates, own] if own else candidates


def _given(name: str, module: object) -> Candidate:
    origin = getattr(module, "__file__", None) or repr(module)
    return Candidate(normalise(name), lambda: module, origin=origin)


def _print_trace(line: str) -> None:
    import sys

    sys.stderr.write(f"loopengt: {line}\n")
