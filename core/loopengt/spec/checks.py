"""Checks the names in a spec: each is unique, and what it names exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from loopengt.spec.components import (
    check_judge,
    check_provider,
    check_trigger,
    problem_at,
    unknown,
    unknown_component,
)
from loopengt.spec.graph import cycles
from loopengt.spec.outline import Entry, Outline, Path, text_at
from loopengt.spec.problems import Problem
from loopengt.spec.tree import show

if TYPE_CHECKING:
    from loopengt.spec.names import KnownNames

__all__ = ["check_names"]

_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*|[^\W\d]\w*(\.[^\W\d]\w*)+")
_ITEM: Final = re.compile(r"(.+)\[\d+\]", re.DOTALL)
_SHOWN: Final = 20
"""Most names of a circle that are written out."""


def check_names(outline: Outline, names: KnownNames) -> Iterator[Problem]:
    """Yield a problem for every name that is used twice, or that names nothing."""
    for kind, entries in _lists(outline).items():
        yield from _duplicates(kind, entries, outline)
    yield from _steps(outline)
    yield from _like_items(outline)
    yield from _circles(outline)
    supervisor = text_at(outline.data, "handoff", "supervisor")
    if supervisor and supervisor not in outline.step_names:
        yield unknown(outline, ("handoff", "supervisor"), "step", supervisor, outline.step_names)
    for agent in outline.agents:
        yield from _listed(agent, "tools", "tool", outline.tools, outline)
        yield from check_provider(agent.path, agent.data.get("config", {}), outline, names)
    for gate in outline.gates:
        yield from check_judge(gate, outline, names)
    yield from check_trigger(outline, names)
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
            yield problem_at(
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
            yield unknown(outline, (*step.path, "agent"), "agent", agent, agents)
        yield from _listed(step, "tools", "tool", outline.tools, outline)
        yield from _listed(step, "verification_gates", "gate", outline.gates, outline)
        for path, name in outline.dependencies(step):
            if name not in steps:
                yield unknown(outline, path, "step", name, steps)


def _like_items(outline: Outline) -> Iterator[Problem]:
    """Yield the steps that are called like an item of another step: both would be one in the journal."""
    steps = outline.step_names
    for name, step in steps.items():
        match = _ITEM.fullmatch(name)
        other = steps.get(match[1]) if match is not None else None
        if other is not None and other.data.get("for_each") is not None:
            hint = "give it another name"
            yield problem_at(
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
        yield problem_at(
            outline,
            edges[circle[0]][circle[1]],
            f"the dependencies run in a circle: {trail}",
            "a step can only depend on steps that come before it",
        )


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
            yield problem_at(outline, ("pattern",), "the custom pattern is not named", hint)
        else:
            yield unknown_component(outline, ("pattern",), "pattern", pattern, names.patterns)
    uses: tuple[tuple[list[Entry], tuple[str, ...], str, Mapping[str, str] | None], ...] = (
        (outline.gates, ("kind",), "gate kind", names.gate_kinds),
        (outline.gates, ("judge",), "judge", names.judges),
        (outline.gates, ("judge", "kind"), "judge", names.judges),
        (outline.tools, ("tool_type",), "tool type", names.tool_types),
        (outline.stops, ("condition_type",), "stop condition type", names.stop_conditions),
    )
    for entries, keys, kind, known in uses:
        for entry in entries:
            name = text_at(entry.data, *keys)
            if name is not None and known is not None and name not in known:
                yield unknown_component(outline, (*entry.path, *keys), kind, name, known)


def _listed(
    entry: Entry, key: str, kind: str, targets: Iterable[Entry], outline: Outline
) -> Iterator[Problem]:
    used: Any = entry.data.get(key)
    known = _names(targets) if used else {}
    for index, name in enumerate(used if isinstance(used, list) else ()):
        if isinstance(name, str) and name and name not in known:
            yield unknown(outline, (*entry.path, key, index), kind, name, known)


def _names(entries: Iterable[Entry]) -> dict[str, None]:
    return {entry.name: None for entry in entries if entry.name is not None}
