"""Reads the cases of a suite that stand in a file of their own: YAML, JSON, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from loopengt.errors import SpecError
from loopengt.naming import hint
from loopengt.spec import Document, Problem, check_model, read_document
from loopengt_evals.suites.model import EvalCase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["FORMATS", "MOST_PROBLEMS", "Place", "read_rows"]

FORMATS = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
}
"""Formats by suffix."""

MOST_PROBLEMS = 50
"""Problems that are collected before reading is given up."""

_MOST_BYTES = 256 * 1024 * 1024
_LONGEST_CELL = 16 * 1024 * 1024
_FIELDS = ("id", "description", "expected", "expected_file", "tags", "repeat")
_GROUPS = ("inputs", "files", "metadata")


class Place:
    """Where a case is written down, so that problems with it can name the line.

    Args:
        document: The file.
        path: Keys and indexes down to the case.
    """

    def __init__(self, document: Document, path: tuple[str | int, ...] = ()) -> None:
        self._document = document
        self._path = path

    @property
    def line(self) -> int:
        """The line, from 1."""
        return self._document.position(self._path)[0]

    def problem(self, message: str, hint: str = "", *, at: tuple[str | int, ...] = ()) -> Problem:
        """Make a problem of the case, or of a value within it."""
        return self._document.problem(self._document.position((*self._path, *at)), message, hint)


class _Row(Document):
    """A line of a file as if it were a document of its own."""

    def __init__(self, path: str, line: int, data: Any) -> None:
        self.path = path
        self.data = data
        self.problems = ()
        self._line = line

    def position(self, path: Any = ()) -> tuple[int, int]:
        return self._line, 1

    def key_position(self, path: Any) -> tuple[int, int]:
        return self._line, 1


def read_rows(
    path: Path, kind: str, columns: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[EvalCase, Place]]:
    """Yield the cases of a file, each with its place; what is wrong is added to the problems.

    Args:
        path: The file.
        kind: ``yaml``, ``json``, ``jsonl`` or ``csv``.
        columns: What columns or keys become, as in ``CasesFile``.
        problems: Where problems go.

    Raises:
        SpecError: The file cannot be read.
    """
    rename = _Renaming(columns, csv=kind == "csv")
    bad = rename.problem()
    if bad:
        raise SpecError([Problem(str(path), 1, 1, *bad)])
    read = {"csv": _csv, "jsonl": _jsonl}.get(kind, _document)
    for document, place in read(path, problems):
        if len(problems) >= MOST_PROBLEMS:
            return
        data = document.data
        for part in place:
            data = data[part]
        if not isinstance(data, dict):
            at = Place(document, place)
            problems.append(at.problem(f"a case is a mapping, found a {type(data).__name__}"))
            continue
        if kind == "csv" or columns:
            line = document.position(place)[0]
            try:
                document, place = _Row(str(path), line, rename(data)), ()
            except ValueError as exc:
                problems.append(Problem(str(path), line, 1, str(exc)))
                continue
        case, found = check_model(document, EvalCase, place, noun="a case")
        problems += found
        if case is not None:
            yield case, Place(document, place)


# Formats

_Found = tuple[Document, tuple[str | int, ...]]


def _document(path: Path, problems: list[Problem]) -> Iterator[_Found]:
    document = read_document(path)
    problems += document.problems
    data = document.data
    base: tuple[str | int, ...] = ()
    if isinstance(data, dict) and isinstance(data.get("cases"), list):
        data, base = data["cases"], ("cases",)
    if not isinstance(data, list):
        problems.append(
            document.problem((1, 1), "a file of cases is a list of them, or a mapping with cases")
        )
        return
    for index in range(len(data)):
        yield document, (*base, index)


def _jsonl(path: Path, problems: list[Problem]) -> Iterator[_Found]:
    for line, text in enumerate(_text(path).split("\n"), 1):
        if not text.strip():
            continue
        try:
            yield _Row(str(path), line, json.loads(text, parse_constant=_refuse)), ()
        except (ValueError, RecursionError) as exc:
            problems.append(Problem(str(path), line, 1, f"the line is not JSON: {exc}"))
            if len(problems) >= MOST_PROBLEMS:
                return


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _csv(path: Path, problems: list[Problem]) -> Iterator[_Found]:
    text = _text(path)
    before = csv.field_size_limit(_LONGEST_CELL)
    # Read as a file: splitlines would also part rows at form feeds and at U+2028.
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        names = [name.strip() for name in header]
        for name in names:
            if not name or names.count(name) > 1:
                what = f"two columns are called {name!r}" if name else "a column has no name"
                problems.append(Problem(str(path), 1, 1, what, "give each column a name of its own"))
                return
        for mark in (";", "\t"):
            if len(names) == 1 and mark in names[0]:
                message = f"the only column is called {names[0][:60]!r}"
                problems.append(
                    Problem(str(path), 1, 1, message, f"part the cells with ',' in place of {mark!r}")
                )
                return
        number, begins = 0, rows.line_num + 1
        for row in rows:
            line, begins = begins, rows.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            number += 1
            if len(row) != len(names):
                message = f"the row has {len(row)} cells, and there are {len(names)} columns"
                problems.append(Problem(str(path), line, 1, message, "quote cells that hold commas"))
                if len(problems) >= MOST_PROBLEMS:
                    return
                continue
            data = dict(zip(names, row, strict=True))
            if not data.get("id", "").strip():
                data["id"] = f"row-{number}"
            yield _Row(str(path), line, data), ()
    except csv.Error as exc:
        problems.append(Problem(str(path), max(rows.line_num, 1), 1, f"not valid CSV: {exc}"))
    finally:
        csv.field_size_limit(before)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(
                [Problem(str(path), 1, 1, f"the file is larger than {_MOST_BYTES // 1024**2} MB")]
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise SpecError(
            [Problem(str(path), line, 1, "the file is not UTF-8", "save the file as UTF-8")]
        ) from None
    except OSError as exc:
        raise SpecError([Problem(str(path), 1, 1, f"the file cannot be read: {exc.strerror}")]) from None


# Columns


class _Renaming:
    """Makes of a row the data of a case."""

    def __init__(self, columns: Mapping[str, str], *, csv: bool) -> None:
        self._columns = columns
        self._csv = csv

    def problem(self) -> tuple[str, str] | None:
        """Say what is wrong with the columns, if anything."""
        for name, target in self._columns.items():
            group, dot, rest = target.partition(".")
            if target and target not in (*_FIELDS, "judges") and not (group in _GROUPS and dot and rest):
                message = f"the column {name!r} cannot become {target!r}{hint(target, _FIELDS)}"
                return message, f"name {', '.join(_FIELDS)}, inputs.NAME, files.PATH or metadata.NAME"
        return None

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data.

        Raises:
            ValueError: A column is missing, or two become the same.
        """
        lacking = [name for name in self._columns if name not in row]
        if lacking:
            raise ValueError(f"there is no column {lacking[0]!r}{hint(lacking[0], row)}")
        found: dict[str, Any] = {}
        taken = {target for target in self._columns.values() if target}
        for name, value in row.items():
            target = self._columns.get(name, name)
            if not target:
                continue
            if name not in self._columns and target in taken:
                continue
            self._put(found, target, value)
        return found

    def _put(self, found: dict[str, Any], target: str, value: Any) -> None:
        group, dot, rest = target.partition(".")
        if target in _FIELDS or (not self._csv and not dot):
            if not self._csv:
                found[target] = value
            elif value.strip() or target == "id":
                found[target] = _cell(target, value)
        elif group in _GROUPS and dot and rest:
            found.setdefault(group, {})[rest] = _data(value) if self._csv and group != "files" else value
        elif self._csv:
            found.setdefault("inputs", {})[target] = _data(value)
        else:
            found[target] = value


def _cell(target: str, value: str) -> Any:
    if target == "tags":
        return [tag for tag in value.replace(";", ",").split(",") for tag in [tag.strip()] if tag]
    if target == "repeat":
        return int(value) if value.strip().isdecimal() else value
    return _data(value) if target == "expected" else value.strip()


def _data(text: Any) -> Any:
    """Return a JSON object or list as data, and anything else as it is."""
    if isinstance(text, str) and text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return text
    return text
