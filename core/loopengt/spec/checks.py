"""Checks the names in a spec: each is unique, and what it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from loopengt.spec.graph import cycles
from loopengt.spec.outline import Entry, Outline, Path, text_at
from loopengt.spec.problems import Problem, known_names
from loopengt.spec.tree import show

if TYPE_CHECKING:
    from loopengt.spec.names import KnownNames

__all__ = ["check_names"]

_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*|[^\W\d]\w*(\.[^\W\d]\w*)+")
_ITEM: Final = re.compile(r"(.+)\[\d+\]", re.DOTALL)
_SHOWN: Final = 20
"""Most names of a circle that are written out."""
_PLUGINS: Final = "loopengt plugins list shows all"


def check_names(outline: Outline, names: KnownNames) -> Iterator[Problem]:
    """Yield a problem for every name that is used twice, or that names nothing."""
    for kind, entries in _lists(outline).items():
        yield from _duplicates(kind, entries, outline)
    yield from _steps(outline)
    yield from _like_items(outline)
    yield from _circles(outline)
    supervisor = text_at(outline.data, "handoff", "supervisor")
    if supervisor and supervisor not in outline.step_names:
        yield _unknown(outline, ("handoff", "supervisor"), "step", supervisor, outline.step_names)
    for agent in outline.agents:
        yield from _listed(agent, "tools", "tool", outline.tools, outline)
        yield from _provider(agent, outline, names)
    agents = _names(outline.agents)
    for gate in outline.gates:
        asked = text_at(gate.data, "judge", "agent")
        if asked is not None and asked not in agents:
            yield _unknown(outline, (*gate.path, "judge", "agent"), "agent", asked, agents)
    yield from _registered(outline, names)


def _lists(outline: Outline) -> dict[str, list[Entry]]:
    return {"agent": outline.agents, "tool": outline.tools, "step": outline.steps, "gate": outline.gates}


def _duplicates(kind: str, entries: Iterable[Entry], outline: Outline) -> Iterator[Problem]:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.name is None:
            continue
        first = seen.setdefault(entry.name, entry)
        if first is not entry:
            line, _ = outline.document.position((*first.path, "name"))
            yield _at(
                outline,
                (*entry.path, "name"),
                f"duplicate {kind} name {show(entry.name)}",
                f"first used in line {line}",
            )


def _steps(outline: Outline) -> Iterator[Problem]:
    agents = _names(outline.agents)
    steps = outline.step_names
    for step in outline.steps:
        agent = text_at(step.data, "agent")
        if agent is not None and agent not in agents:
            yield _unknown(outline, (*step.path, "agent"), "agent", agent, agents)
        yield from _listed(step, "tools", "tool", outline.tools, outline)
        yield from _listed(step, "verification_gates", "gate", outline.gates, outline)
        for path, name in outline.dependencies(step):
            if name not in steps:
                yield _unknown(outline, path, "step", name, steps)


def _like_items(outline: Outline) -> Iterator[Problem]:
    """Yield the steps that are called like an item of another step: both would be one in the journal."""
    steps = outline.step_names
    for name, step in steps.items():
        match = _ITEM.fullmatch(name)
        other = steps.get(match[1]) if match is not None else None
        if other is not None and other.data.get("for_each") is not None:
            hint = "give it another name"
            yield _at(
                outline,
                (*step.path, "name"),
                f"the step {show(name)} is called like an item of the step {show(other.name or '')}",
                hint,
            )


def _circles(outline: Outline) -> Iterator[Problem]:
    edges: dict[str, dict[str, Path]] = {}
    for name, step in outline.step_names.items():
        edges[name] = {dependency: path for path, dependency in outline.dependencies(step)}
    for circle in cycles(edges):
        names = [name if name.isprintable() else repr(name) for name in circle]
        if len(names) > _SHOWN:
            names[_SHOWN // 2 : -_SHOWN // 2] = [f"… {len(names) - _SHOWN:,} more …"]
        trail = " -> ".join(names)
        yield _at(
            outline,
            edges[circle[0]][circle[1]],
            f"the dependencies run in a circle: {trail}",
            "a step can only depend on steps that come before it",
        )


def _provider(agent: Entry, outline: Outline, names: KnownNames) -> Iterator[Problem]:
    written = text_at(agent.data, "config", "provider")
    provider = written or names.default_provider
    config = agent.data.get("config", {})
    if provider is None or not isinstance(config, Mapping) or not isinstance(config.get("provider", ""), str):
        return
    path: Path = (*agent.path, "config", "provider")
    if names.providers is not None and provider not in names.providers:
        if written:
            yield _unknown_component(outline, path, "agent provider", provider, names.providers)
        else:
            yield _at(
                outline,
                agent.path,
                f"the agent names no provider, and no plugin provides the default {provider!r}",
                f"add config: {{provider: …}}; {_PLUGINS}",
            )
        return
    extra = config.get("extra", {})
    if names.validate_provider_options is None or not isinstance(extra, Mapping):
        return
    for where, message in names.validate_provider_options(provider, extra):
        yield _option(outline, (*agent.path, "config", "extra"), tuple(where), message)


def _option(outline: Outline, extra: Path, where: Path, message: str) -> Problem:
    named = not where or repr(where[-1]) in message
    text = message if named else f"option {'.'.join(map(str, where))!r}: {message}"
    return outline.document.problem(outline.document.key_position((*extra, *where)), text)


def _registered(outline: Outline, names: KnownNames) -> Iterator[Problem]:
    pattern = text_at(outline.data, "pattern")
    if (
        pattern
        and names.patterns is not None
        and pattern not in names.patterns
        and not _DOTTED.fullmatch(pattern)
    ):
        if pattern == "custom":
            hint = "write its name or its dotted path in place of custom, such as my_patterns:run"
            yield _at(outline, ("pattern",), "the custom pattern is not named", hint)
        else:
            yield _unknown_component(outline, ("pattern",), "pattern", pattern, names.patterns)
    uses: tuple[tuple[list[Entry], tuple[str, ...], str, Mapping[str, str] | None], ...] = (
        (outline.gates, ("kind",), "gate kind", names.gate_kinds),
        (outline.gates, ("judge",), "judge", names.judges),
        (outline.gates, ("judge", "kind"), "judge", names.judges),
        (outline.stops, ("condition_type",), "stop condition type", names.stop_conditions),
    )
    for entries, keys, kind, known in uses:
        for entry in entries:
            name = text_at(entry.data, *keys)
            if name is not None and known is not None and name not in known:
                yield _unknown_component(outline, (*entry.path, *keys), kind, name, known)


def _listed(
    entry: Entry, key: str, kind: str, targets: Iterable[Entry], outline: Outline
) -> Iterator[Problem]:
    used: Any = entry.data.get(key)
    known = _names(targets) if used else {}
    for index, name in enumerate(used if isinstance(used, list) else ()):
        if isinstance(name, str) and name and name not in known:
            yield _unknown(outline, (*entry.path, key, index), kind, name, known)


def _names(entries: Iterable[Entry]) -> dict[str, None]:
    return {entry.name: None for entry in entries if entry.name is not None}


def _unknown(outline: Outline, path: Path, kind: str, name: str, known: Iterable[str]) -> Problem:
    hint = known_names(name, known) or f"the loop declares no {kind}s"
    return _at(outline, path, f"unknown {kind} {show(name)}", hint)


def _unknown_component(outline: Outline, path: Path, kind: str, name: str, known: Iterable[str]) -> Problem:
    near = known_names(name, known, otherwise=" ").strip()
    return _at(outline, path, f"unknown {kind} {show(name)}", f"{near} {_PLUGINS}".strip())


def _at(outline: Outline, path: Path, message: str, hint: str = "") -> Problem:
    return outline.document.problem(outline.document.position(path), message, hint)
