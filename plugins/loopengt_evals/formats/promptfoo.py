"""Reads tests of promptfoo: a promptfooconfig.yaml, or a file of tests in YAML, JSON, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path
from typing import Any

from loopengt.errors import SpecError
from loopengt.spec import read_document
from loopengt_evals.formats.assertions import judges_of, parse_expected
from loopengt_evals.formats.collected import Cases

__all__ = ["looks_like", "read", "rows_of_csv", "rows_of_lines"]

FORMAT = "promptfoo"

_LONGEST_CELL = 16 * 1024 * 1024
_MOST_COMBINATIONS = 1_000
_TEST_KEYS = ("description", "vars", "assert", "metadata", "options", "threshold")
_ELSEWHERE = ("prompts", "providers", "targets", "scenarios", "redteam", "nunjucksFilters", "extensions")
_DATA = (".yaml", ".yml", ".json")
_LINES = (".jsonl", ".ndjson")


def looks_like(data: Any) -> bool:
    """Whether it is a configuration, or a list of tests."""
    if isinstance(data, dict):
        return "tests" in data and "cases" not in data
    return isinstance(data, list) and any(
        isinstance(test, dict) and {"vars", "assert"} & set(test) for test in data
    )


def read(data: Any, name: str, folder: Path) -> Cases:
    """Read tests.

    Args:
        data: What the file holds: a configuration, or a list of tests.
        name: What the suite is called when the configuration does not say.
        folder: Where ``file://`` begins.

    Raises:
        ValueError: There are no tests.
    """
    config = data if isinstance(data, dict) else {"tests": data}
    found = Cases(FORMAT, str(config.get("description") or name)[:128])
    for key in _ELSEWHERE:
        if config.get(key):
            found.notes.add("", f"{key} were left out: what is run is the loop")
    default = config.get("defaultTest") or {}
    if not isinstance(default, dict):
        found.notes.add("", f"defaultTest was left out: it stands in {default}")
        default = {}
    options = config.get("evaluateOptions")
    repeat = options.get("repeat") if isinstance(options, dict) else None
    found.repeat = repeat if isinstance(repeat, int) and not isinstance(repeat, bool) and repeat > 0 else 1
    tests = list(_tests(config.get("tests"), folder, found))
    for number, test in enumerate(tests, 1):
        if not isinstance(test, dict):
            raise ValueError(f"test {number} is no mapping")
        for variables in _combinations(test, default, number, found):
            _add(found, test, default, variables)
    if not found.cases:
        raise ValueError("there are no tests")
    return found


def _tests(tests: Any, folder: Path, found: Cases) -> Iterator[Any]:
    """Yield the tests, those in other files too."""
    for test in tests if isinstance(tests, list) else [] if tests is None else [tests]:
        if isinstance(test, str):
            yield from _of_file(test, folder, found)
        elif isinstance(test, dict) and isinstance(test.get("path"), str) and "vars" not in test:
            yield from _of_file(test["path"], folder, found)
        else:
            yield test


def _of_file(reference: str, folder: Path, found: Cases) -> Iterator[Any]:
    name = reference.removeprefix("file://")
    suffix = Path(name).suffix.lower()
    if "://" in name or suffix not in (*_DATA, *_LINES, ".csv"):
        found.notes.add(
            "", f"the tests in {reference} were left out: only YAML, JSON, JSONL and CSV are read"
        )
        return
    if Path(name).is_absolute() or ".." in Path(name).parts:
        found.notes.add("", f"the tests in {reference} were left out: they do not lie beside the file")
        return
    paths = sorted(folder.glob(name)) if "*" in name else [folder / name]
    if not any(path.is_file() for path in paths):
        found.notes.add("", f"the tests in {reference} were left out: there is no such file")
    for path in paths:
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            yield from _rows(path)


def _rows(path: Path) -> Iterator[Any]:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        yield from rows_of_csv(path)
    elif suffix in _LINES:
        yield from rows_of_lines(path)
    else:
        document = read_document(path)
        if document.problems:
            raise SpecError(document.problems)
        yield from document.data if isinstance(document.data, list) else [document.data]


def rows_of_lines(path: Path) -> Iterator[Any]:
    """Yield the tests of a file of JSON lines.

    Raises:
        ValueError: A line is no JSON.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as exc:
                raise ValueError(f"line {number} of {path.name} is not JSON: {exc}") from None


def rows_of_csv(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the tests of a table: columns are variables, those that begin with two underscores have meanings.

    Raises:
        ValueError: It is no table.
    """
    before = csv.field_size_limit(_LONGEST_CELL)
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
    try:
        for row in rows:
            if None in row or None in row.values():
                raise ValueError(
                    f"line {rows.line_num} of {path.name} has not as many cells as there are columns"
                )
            yield _of_row(row)
    except csv.Error as exc:
        raise ValueError(f"line {rows.line_num} of {path.name} is not valid CSV: {exc}") from None
    finally:
        csv.field_size_limit(before)


def _of_row(row: Mapping[str, str]) -> dict[str, Any]:
    test: dict[str, Any] = {
        "vars": {},
        "assert": [],
        "metadata": {},
        "options": {"disableVarExpansion": True},
    }
    for column, cell in row.items():
        name = column.strip()
        if not name.startswith("__"):
            test["vars"][name] = cell
        elif not cell.strip():
            continue
        elif name.startswith("__expected"):
            test["assert"].append(parse_expected(cell))
        elif name == "__description":
            test["description"] = cell
        elif name == "__threshold":
            test["threshold"] = cell
        elif name.startswith("__metadata:"):
            key, listed = name.removeprefix("__metadata:").removesuffix("[]"), name.endswith("[]")
            test["metadata"][key] = [part.strip() for part in cell.split(",")] if listed else cell
        elif name == "__metric":
            test["metric"] = cell
        else:
            test[name] = cell
    metric = test.pop("metric", None)
    if metric is not None:
        test["assert"] = [each | {"metric": metric} for each in test["assert"]]
    return test


def _combinations(
    test: Mapping[str, Any], default: Mapping[str, Any], number: int, found: Cases
) -> Iterator[dict[str, Any]]:
    """Yield the variables of a test, which has one run for each combination of those that are lists."""
    given = test.get("vars") or {}
    if not isinstance(given, dict):
        found.notes.add(f"test {number}", f"its vars were left out: they stand in {given}")
        given = {}
    shared = default.get("vars")
    variables = {**(shared if isinstance(shared, dict) else {}), **given}
    options = {**(default.get("options") or {}), **(test.get("options") or {})}
    lists = (
        {}
        if options.get("disableVarExpansion")
        else {k: v for k, v in variables.items() if isinstance(v, list)}
    )
    if not lists:
        yield variables
        return
    found.notes.add("", "a test with lists in its vars became a case for each combination")
    combinations = product(*lists.values())
    for chosen in islice(combinations, _MOST_COMBINATIONS):
        yield variables | dict(zip(lists, chosen, strict=True))
    if next(combinations, None) is not None:
        found.notes.add(f"test {number}", f"combinations beyond {_MOST_COMBINATIONS:,} were left out")


def _add(
    found: Cases, test: Mapping[str, Any], default: Mapping[str, Any], variables: dict[str, Any]
) -> None:
    number = len(found.cases) + 1
    description = str(test.get("description") or default.get("description") or "")
    where = description if description and len(description) <= 60 else f"case-{number}"
    for key in test:
        if key not in _TEST_KEYS:
            found.notes.add(where, f"{key} was left out")
    for source in (default, test):
        if source.get("threshold") not in (None, ""):
            found.notes.add(where, "the test's threshold was left out: here each judge must pass")
        for key in source.get("options") or ():
            if key != "disableVarExpansion":
                found.notes.add(where, f"options.{key} was left out")
    for name, value in variables.items():
        if isinstance(value, str) and value.startswith("file://"):
            found.notes.add(where, f"the variable {name} names a file, and was kept as text")
    judges = [
        made
        for assertion in [*(default.get("assert") or ()), *(test.get("assert") or ())]
        for made in judges_of(assertion, variables, where, found.notes)
    ]
    metadata = {**(default.get("metadata") or {}), **(test.get("metadata") or {})}
    short = description if 0 < len(description) <= 60 and description.isprintable() else None
    taken = {case["id"] for case in found.cases}
    found.add(
        number,
        None if short in taken else short,  # many tests share their description
        judges,
        description=description[:2048] if short is None or short in taken else None,
        inputs=variables,
        metadata=metadata,
    )
