"""Finds plugins: installed ones by their entry points, and the project's own file; imports none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.api_version import check_requirements, check_source, check_text
from loopengt.consent import PROJECT_FILE, PROJECT_PLUGIN, read_if_allowed
from loopengt.errors import PluginError
from loopengt.naming import normalise
from loopengt.plugins import PluginRecord
from loopengt_hookspecs import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from loopengt.plugins import Status

__all__ = ["OWN_DISTRIBUTION", "Candidate", "Switches", "installed_plugins", "project_plugin"]

OWN_DISTRIBUTION = "loopengt"
"""The distribution that the built-in plugins come with."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that could be loaded."""

    name: str
    load: Callable[[], object]
    """Imports the plugin and returns its module."""
    distribution: str = ""
    version: str = ""
    origin: str = ""
    refusal: tuple[str, str] | None = None
    """Reason and remedy, when it must not be loaded whatever the switches say."""

    @property
    def rank(self) -> tuple[bool, str, str, str]:
        """Sort key of loading: what loopengt brings itself, then by name, distribution and origin."""
        own = normalise(self.distribution) == OWN_DISTRIBUTION
        return (not own, self.name, normalise(self.distribution), self.origin)

    @property
    def qualified(self) -> str:
        """``distribution/name``, which tells it from a plugin of the same name in another distribution."""
        return f"{normalise(self.distribution)}/{self.name}"

    @property
    def provenance(self) -> str:
        """Where it comes from, in words for messages."""
        return f"{self.distribution} {self.version} ({self.origin})" if self.distribution else self.origin

    def record(self, status: Status, reason: str = "", remedy: str = "") -> PluginRecord:
        """Make the record of what became of it."""
        return PluginRecord(
            name=self.name,
            status=status,
            reason=reason,
            remedy=remedy,
            distribution=self.distribution,
            version=self.version,
            origin=self.origin,
        )


class Switches:
    """Which plugins are switched off, and by what; a later call wins over an earlier one."""

    def __init__(self) -> None:
        self._off: dict[str, tuple[str, str]] = {}
        self._on: set[str] = set()
        self.only_own: str = ""
        """When not empty: the reason why nothing but loopengt's own plugins may be loaded."""

    def disable(self, names: Iterable[str], by: str, remedy: str = "") -> None:
        """Switch plugins off by their name, their distribution's, or ``distribution/name``.

        Args:
            names: What to switch off.
            by: What does it, for messages.
            remedy: How it is switched on again.
        """
        for name in map(normalise, names):
            self._off[name] = (f"switched off by {by}", remedy)
            self._on.discard(name)

    def enable(self, names: Iterable[str]) -> None:
        """Switch plugins on again."""
        for name in map(normalise, names):
            self._off.pop(name, None)
            self._on.add(name)

    def unknown(self, candidates: Iterable[Candidate]) -> dict[str, str]:
        """Return the names that fit no candidate, each with what switches it off (empty: switched on)."""
        known = {name for candidate in candidates for name in _handles(candidate)}
        switched = {name: by for name, (by, _) in self._off.items()} | dict.fromkeys(self._on, "")
        return {name: by for name, by in switched.items() if name not in known}

    def refusal(self, candidate: Candidate) -> tuple[str, str] | None:
        """Return why a candidate is not to be loaded, with the remedy, or None; the closest name counts."""
        if candidate.refusal:
            return candidate.refusal
        own = normalise(candidate.distribution) == OWN_DISTRIBUTION
        if self.only_own and not own:
            return self.only_own, ""
        for name in _handles(candidate):
            if name in self._on:
                return None
            if name in self._off:
                return self._off[name]
        return None


def _handles(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.qualified, candidate.name, normalise(candidate.distribution)


def installed_plugins() -> Iterator[Candidate]:
    """Iterate over the entry points of the group ``loopengt`` of all installed distributions."""
    import importlib_metadata

    seen: set[str] = set()
    for distribution in importlib_metadata.distributions():
        try:
            found = list(_candidates(distribution))
        except Exception as exc:
            yield _unreadable(str(distribution.locate_file("")), exc)
            continue
        # As with imports, the first of two installations of one distribution on sys.path counts.
        name = normalise(found[0].distribution) if found else ""
        if name not in seen:
            seen.add(name)
            yield from found


def _candidates(distribution: Any) -> Iterator[Candidate]:
    # Only the few distributions with our group have their metadata parsed; that is what costs time.
    if f"[{PROJECT}]" not in (distribution.read_text("entry_points.txt") or ""):
        return
    name, version = str(distribution.metadata["Name"]), str(distribution.metadata["Version"])
    for entry in distribution.entry_points.select(group=PROJECT):
        load = entry.load if normalise(name) == OWN_DISTRIBUTION else _loader(entry, distribution, name)
        yield Candidate(normalise(entry.name), load, name, version, entry.value)


def _loader(entry: Any, distribution: Any, name: str) -> Callable[[], object]:
    def load() -> object:
        check_requirements(distribution.metadata.get_all("Requires-Dist") or ())
        check_source(entry.module, name)
        found: object = entry.load()
        return found

    return load


def _unreadable(place: str, cause: Exception) -> Candidate:
    def load() -> object:
        raise PluginError(f"the metadata of a distribution in {place} cannot be read: {cause}") from cause

    return Candidate("unreadable_distribution", load, origin=place)


def project_plugin(project: Path, environ: Mapping[str, str]) -> Candidate | None:
    """Return the project's own plugin, the file ``loopengt_plugins.py``, or None when there is none.

    The bytes that were looked at for consent are the bytes that are executed: the file is not read twice,
    and no compiled copy of it is trusted.
    """
    file = project / PROJECT_FILE
    if not file.is_file():
        return None
    source, refusal = read_if_allowed(file, environ)

    def load() -> object:
        import sys
        from types import ModuleType

        check_text(source.decode("utf-8", "replace"))
        module = ModuleType(f"{file.stem}@{project}")
        module.__file__ = str(file)
        sys.modules[module.__name__] = module  # dataclasses and pickling look their module up there
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102  a person allowed these bytes
        return module

    return Candidate(PROJECT_PLUGIN, load, origin=str(file), refusal=refusal)
