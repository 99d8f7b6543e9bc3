"""Finds the values of a loop that another use would change, and puts variables in their places."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from loopengt.errors import LoopengtError
from loopengt.spec import parse_document
from loopengt.templates.filling import PLACEHOLDER, Scalar, fill_yaml, scalars_of

__all__ = ["Variable", "put_variables"]

Path = tuple[str | int, ...]

_WITHOUT_MODEL: Final = frozenset({"command", "python", "human", "scripted"})
"""Providers that no other one can take the place of by a mere change of the name."""
_LONGEST_COMMAND: Final = 200


@dataclass(slots=True)
class Variable:
    """A value that is worth a variable."""

    name: str
    description: str
    default: str | int | float
    paths: list[Path] = field(default_factory=list)
    """Where it stands in the loop."""

    def declared(self) -> dict[str, Any]:
        """Return what template.yaml says of it."""
        kinds = {int: "integer", float: "number"}
        kind = kinds.get(type(self.default))
        typed = {"type": kind} if kind else {}
        return {"description": self.description, **typed, "default": self.default}


def put_variables(text: str) -> tuple[str, list[Variable]]:
    """Return the text of a loop with placeholders in place of values, and their variables.

    A value that cannot be replaced alone, such as one that several places share by an anchor, stays as it is.

    Args:
        text: A loop as YAML.
    """
    data = parse_document(text).data
    found: list[Variable] = []
    used = set(PLACEHOLDER.findall(text))
    values: dict[str, Any] = {}
    for candidate in _candidates(data):
        candidate.name = _free_name(candidate.name, used)
        taken = []
        for path in candidate.paths:
            changed = _put(text, path, candidate.name)
            trial = values | {candidate.name: candidate.default}
            if changed is not None and _is_same(changed, trial, data, path, candidate.default):
                text, values = changed, trial
                taken.append(path)
                _set(data, path, candidate.default)
        if taken:
            candidate.paths = taken
            used.add(candidate.name)
            found.append(candidate)
    return text, found


def _candidates(data: dict[str, Any]) -> Iterator[Variable]:
    shown = [
        Variable("literal", "A text of the loop", str(each.value), [each.path]) for each in _literals(data)
    ]
    yield from shown
    known = {path for each in shown for path in each.paths}
    for each in _merged(_all(data)):
        each.paths = [path for path in each.paths if path not in known]
        if each.paths:
            yield each


def _merged(found: Iterator[Variable]) -> list[Variable]:
    """Put a command, and what prompts are told of it, under one variable."""
    kept: list[Variable] = []
    by_value: dict[str, Variable] = {}
    for each in found:
        is_command = each.paths[0][-1] == "command"
        other = by_value.get(str(each.default)) if is_command else None
        if other is not None:
            other.paths += each.paths
            continue
        if is_command or each.paths[0][0] == "context":
            by_value.setdefault(str(each.default), each)
        kept.append(each)
    return kept


def _all(data: dict[str, Any]) -> Iterator[Variable]:
    yield Variable("goal", "What is to be reached", data["goal"], [("goal",)])
    context = data.get("context")
    for key, value in context.items() if isinstance(context, dict) else ():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield Variable(_slug(key), f"The value of {key} in the context", value, [("context", key)])
    yield from _of_agents(data["agents"])
    policy = data.get("policy") or {}
    for index, gate in enumerate(policy.get("verification_gates") or ()):
        path: Path = ("policy", "verification_gates", index, "command")
        name = gate["name"]
        yield from _command(
            f"{_slug(name)}_command", f"The command of the gate {name}", gate.get("command"), path
        )
    metric = (policy.get("no_progress") or {}).get("metric") or {}
    path = ("policy", "no_progress", "metric", "command")
    yield from _command("metric_command", "The command that measures progress", metric.get("command"), path)


def _of_agents(agents: list[dict[str, Any]]) -> Iterator[Variable]:
    for key in ("provider", "model"):
        places: dict[str, list[int]] = {}
        for index, agent in enumerate(agents):
            config = agent.get("config") or {}
            if config.get(key) and config.get("provider") not in _WITHOUT_MODEL:
                places.setdefault(config[key], []).append(index)
        for value, indexes in places.items():
            paths: list[Path] = [("agents", index, "config", key) for index in indexes]
            who = ", ".join(agents[index]["name"] for index in indexes)
            name = key if len(places) == 1 else f"{_slug(agents[indexes[0]]['name'])}_{key}"
            yield Variable(name, f"The {key} of {who}", value, paths)
    for index, agent in enumerate(agents):
        command = ((agent.get("config") or {}).get("extra") or {}).get("command")
        name = agent["name"]
        path = ("agents", index, "config", "extra", "command")
        yield from _command(f"{_slug(name)}_command", f"The command of the agent {name}", command, path)


def _command(name: str, description: str, command: Any, path: Path) -> Iterator[Variable]:
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        command = shlex.join(command)
    if isinstance(command, str) and command and "\n" not in command and len(command) <= _LONGEST_COMMAND:
        yield Variable(name, description, command, [path])


def _literals(data: Any, path: Path = ()) -> Iterator[Any]:
    """Find values that look like placeholders and are none."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _literals(value, (*path, key))
    elif isinstance(data, str) and PLACEHOLDER.fullmatch(data):
        yield _Literal(data, path)


@dataclass(frozen=True, slots=True)
class _Literal:
    value: str
    path: Path


def _put(text: str, path: Path, name: str) -> str | None:
    """Return the text with a placeholder in place of one value; None when there is no way to."""
    inside = [each for each in scalars_of(text) if each.path[: len(path)] == path and not each.is_key]
    if len(inside) == 1 and inside[0].path == path:
        start, end = _span(text, inside[0])
    elif inside and all(len(each.path) == len(path) + 1 for each in inside):
        # A list in brackets: from the one before its first item to the one behind its last.
        before = text[: inside[0].start].rstrip()
        behind = text[inside[-1].end :]
        gap = len(behind) - len(behind.lstrip(" \n,"))
        if not before.endswith("[") or behind[gap : gap + 1] != "]":
            return None
        start, end = len(before) - 1, inside[-1].end + gap + 1
    else:
        return None
    return f"{text[:start]}<<{name}>>{text[end:]}"


def _span(text: str, scalar: Scalar) -> tuple[int, int]:
    written = text[scalar.start : scalar.end]
    return scalar.start, scalar.start + len(written.rstrip("\n")) if "\n" in written else scalar.end


def _is_same(text: str, values: dict[str, Any], data: Any, path: Path, value: Any) -> bool:
    """Whether the text, filled, is the loop as it was, but for a command that is one text now."""
    try:
        filled = parse_document(fill_yaml(text, values, "loop.yaml")).data
    except LoopengtError:
        # Something else that looks like a placeholder may still wait for its own variable.
        return _differs_only(parse_document(text).data, data, path)
    wanted = _copy(data)
    _set(wanted, path, value)
    return bool(filled == wanted)


def _differs_only(found: Any, data: Any, path: Path) -> bool:
    wanted, here = _copy(data), _copy(found)
    _set(wanted, path, None)
    _set(here, path, None)
    return bool(wanted == here)


def _copy(data: Any) -> Any:
    from copy import deepcopy

    return deepcopy(data)


def _set(data: Any, path: Path, value: Any) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


def _slug(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return slug if slug[:1].isalpha() and slug.isascii() else f"value_{slug}".rstrip("_")


def _free_name(name: str, used: set[str]) -> str:
    names = (name if number == 1 else f"{name}_{number}" for number in range(1, 10_000))
    return next(each for each in names if each not in used)
