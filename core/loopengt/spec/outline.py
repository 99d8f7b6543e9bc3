"""The parts of a spec that have names, taken from the raw data as far as it is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopengt.spec.document import Document

__all__ = ["Entry", "Outline", "Path", "children", "text_at"]

Path: TypeAlias = tuple[str | int, ...]


class Entry(NamedTuple):
    """A mapping in one of the spec's lists."""

    path: Path
    data: Mapping[str, Any]
    name: str | None
    """Its name; None when it has none that is text."""


class Outline:
    """The named parts of a spec. What is not of the right shape is left out: another check reports it."""

    def __init__(self, document: Document) -> None:
        data = document.data if isinstance(document.data, dict) else {}
        self.document = document
        self.data: Mapping[str, Any] = data
        self.agents = list(children(data, ("agents",)))
        self.steps = list(children(data, ("steps",)))
        self.tools = list(children(data, ("tools",)))
        self.gates = list(children(data, ("policy", "verification_gates")))
        self.stops = list(children(data, ("stop_conditions",)))
        context = data.get("context")
        self.context: Mapping[str, Any] = context if isinstance(context, dict) else {}

    @property
    def step_names(self) -> dict[str, Entry]:
        """The steps by name; the first of those that share one."""
        found: dict[str, Entry] = {}
        for entry in self.steps:
            if entry.name is not None:
                found.setdefault(entry.name, entry)
        return found

    def dependencies(self, step: Entry) -> Iterator[tuple[Path, str]]:
        """Yield the steps that a step names as its dependencies, and where."""
        listed = step.data.get("dependencies")
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            path = (*step.path, "dependencies", index)
            if isinstance(item, dict):
                path, item = (*path, "step_name"), item.get("step_name")
            if isinstance(item, str) and item:
                yield path, item


def children(data: Any, path: Path) -> Iterator[Entry]:
    """Yield the mappings in the list at a path."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    for index, item in enumerate(data if isinstance(data, list) else ()):
        if isinstance(item, dict):
            yield Entry((*path, index), item, text_at(item, "name"))


def text_at(data: Mapping[str, Any], *keys: str) -> str | None:
    """Return the text at some keys, or None when there is none."""
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
