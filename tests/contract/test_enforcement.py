"""docs/enforcement.md tells of everything that a spec can declare, and names tests that there are."""

from __future__ import annotations

import ast
import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import pytest
from pydantic import BaseModel

from loopengt.testing import make_kernel
from loopengt_hookspecs.models import GateKind, LoopSpec, PatternName, StopKind

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "enforcement.md"

REGISTERED = {
    "Patterns": ("patterns", PatternName),
    "Kinds of gates": ("gates", GateKind),
    "Kinds of stop conditions": ("stop_conditions", StopKind),
}
"""Sections about open sets: the extension point, and the names that the contract knows."""

NOT_ENFORCED = {
    "Policy": {"metadata"},
    "VerificationGate": {"metadata"},
    "StepSpec": {"metadata"},
    "AgentRole": {"description", "capabilities", "metadata"},
    "ToolSpec": {"metadata"},
    "LoopSpec": {"version", "description", "metadata"},
    "OutputSchema": {"description"},
}
"""All that may be declared without an effect; whatever else there is needs a test."""


class Row(NamedTuple):
    """A line of a table."""

    section: str
    names: tuple[str, ...]
    words: str
    tests: tuple[str, ...]


@cache
def rows() -> tuple[Row, ...]:
    """Read the page's tables."""
    found = []
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| `"):
            names, words, tests = re.split(r" \| ", line.strip("| "), maxsplit=2)
            found.append(Row(section, _quoted(names), words, _quoted(tests)))
    return tuple(found)


def _quoted(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", text))


def rows_of(model: str) -> list[Row]:
    """Return the rows of the sections that have a model's name in their heading."""
    return [row for row in rows() if model in _quoted(row.section)]


def models() -> dict[str, type[BaseModel]]:
    """Every model that a spec is made of, by name."""
    known: dict[str, type[BaseModel]] = {}
    waiting: list[Any] = [LoopSpec]
    while waiting:
        kind = waiting.pop()
        waiting.extend(get_args(kind))
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__name__ not in known:
            known[kind.__name__] = kind
            waiting.extend(field.annotation for field in kind.model_fields.values())
    return known


def declarable(model: type[BaseModel]) -> Iterator[str]:
    """Yield the keys of a model, and each value of those that take one of a closed set."""
    for name, field in model.model_fields.items():
        key = field.serialization_alias or name
        yield key
        # Of a set to which plugins add, the values that are known without any plugin.
        for kind in (field.annotation, *(each for each in get_args(field.annotation) if key == "tool_type")):
            if isinstance(kind, type) and issubclass(kind, StrEnum):
                yield from (f"{key}: {value.value}" for value in kind)


@cache
def found_in(path: str) -> frozenset[str]:
    """Return the tests that a file holds, those of a class as ``Class::test``."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        before = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {
            before + each.name
            for each in inner
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
        }
    return frozenset(found)


@pytest.mark.parametrize("name", sorted(models()))
def test_every_field_has_a_row(name: str) -> None:
    """Each key of each model has one row, and so has each value of a closed set; there is no row besides."""
    told = [name for row in rows_of(name) for name in row.names]
    assert len(told) == len(set(told))
    declared = set(declarable(models()[name]))
    if name == "Budget":  # shares its section with RunBudget, which has more
        assert declared <= set(told)
    else:
        assert declared == set(told)


@pytest.mark.parametrize("section", sorted(REGISTERED))
def test_everything_registered_has_a_row(section: str, tmp_path: Path) -> None:
    """So has each pattern, kind of gate and kind of stop condition, those included that are still to come."""
    kind, known = REGISTERED[section]
    told = [name for row in rows() if row.section == section for name in row.names]
    assert sorted(told) == sorted({*make_kernel(tmp_path).names(kind), *(each.value for each in known)})


def test_what_is_not_enforced_is_told() -> None:
    """Only what is known to have no effect names no test, and then the row says what becomes of it."""
    for row in rows():
        silent = {
            name
            for model in _quoted(row.section)
            for name in row.names
            if name in NOT_ENFORCED.get(model, ())
        }
        assert bool(silent) == row.words.startswith("Not enforced: "), row
        assert bool(silent) != bool(row.tests), row


@pytest.mark.parametrize("path", sorted({test.partition("::")[0] for row in rows() for test in row.tests}))
def test_the_tests_exist(path: str) -> None:
    """Each test that a row names can be found in its file."""
    named = {test.partition("::")[2] for row in rows() for test in row.tests if test.startswith(f"{path}::")}
    assert named <= found_in(path), named - found_in(path)
