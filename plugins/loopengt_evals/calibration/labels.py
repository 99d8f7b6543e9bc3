"""Reads labels: outputs with what people say of them, from CSV, JSON lines, JSON or YAML."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from loopengt.errors import SpecError
from loopengt.naming import hint
from loopengt.spec import Problem, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Label", "Labels", "read_labels"]

_COLUMNS = ("id", "output", "file", "label", "expected", "goal", "other")
_WORDS = {"pass": 1.0, "true": 1.0, "fail": 0.0, "false": 0.0}
_DATA = (".json", ".yaml", ".yml")
_MOST_BYTES = 256 * 1024 * 1024
_MOST_FILE = 16 * 1024 * 1024
_MOST_PROBLEMS = 30
_LONGEST_CELL = 16 * 1024 * 1024

_Row = tuple[int, dict[str, Any]]
"""Line, and values by column."""


@dataclass(frozen=True, slots=True)
class Label:
    """One output, and what people say of it."""

    id: str
    output: Any
    label: float
    """1 and 0, or how good it is."""
    expected: Any = None
    goal: str = ""
    other: Any = None

    @property
    def digest(self) -> str:
        """Of what the judge is told."""
        told = [self.output, self.expected, self.goal, self.other]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Labels:
    """A file of labels."""

    rows: tuple[Label, ...]
    unused: tuple[str, ...] = field(default=())
    """Columns that mean nothing here."""

    @property
    def graded(self) -> bool:
        """Whether they are scores, and not only pass and fail."""
        return any(row.label not in (0.0, 1.0) for row in self.rows)


def read_labels(path: Path) -> Labels:
    """Read a file of labels.

    Args:
        path: A file with the suffix .csv, .jsonl, .ndjson, .json, .yaml or .yml. Each row has ``label`` and ``output``,
            or ``file`` with the output's path relative to it; and may have ``id``, ``expected``, ``goal``, ``other``.

    Raises:
        SpecError: It cannot be read, or rows are wrong; all problems have lines.
    """
    problems: list[Problem] = []
    found: list[Label] = []
    seen: dict[str, int] = {}
    names: dict[str, None] = {}
    csv_like = path.suffix.lower() == ".csv"
    for number, (line, row) in enumerate(_rows(path, problems), 1):
        names |= dict.fromkeys(row)
        label = _Reading(path, line, problems, csv_like=csv_like).label(row, number)
        if label is None:
            if len(problems) >= _MOST_PROBLEMS:
                break
            continue
        if label.id in seen:
            message = f"two rows are called {label.id!r}"
            problems.append(Problem(str(path), line, 1, message, f"the first is in line {seen[label.id]}"))
        seen.setdefault(label.id, line)
        found.append(label)
    if not found and not problems:
        problems.append(Problem(str(path), 1, 1, "there are no labels", "each row has output and label"))
    if problems:
        raise SpecError(problems)
    return Labels(tuple(found), tuple(name for name in names if name not in _COLUMNS))


class _Reading:
    """Makes a label of one row.

    Args:
        path: The file.
        line: Its line.
        problems: Where problems go.
        csv_like: Whether all values are text.
    """

    def __init__(self, path: Path, line: int, problems: list[Problem], *, csv_like: bool) -> None:
        self._path = path
        self._line = line
        self._problems = problems
        self._csv = csv_like

    def label(self, row: dict[str, Any], number: int) -> Label | None:
        """Return the label, or None with the problem added."""
        given = {
            name: value for name, value in row.items() if not (self._csv and value == "" and name != "output")
        }
        if "label" not in given:
            return self._bad(
                "the row has no label" if "label" in row else f"there is no column 'label'{_near(row)}"
            )
        value = _number(given["label"])
        if value is None:
            return self._bad(
                f"the label {str(given['label'])[:40]!r} is none",
                "write pass or fail, 1 or 0, or a score from 0 to 1",
            )
        if ("output" in given and given["output"] != "") and "file" in given:
            return self._bad("the row has both output and file", "keep one of them")
        if "file" in given:
            try:
                output = self._file(str(given["file"]))
            except (OSError, ValueError) as exc:
                return self._bad(f"the file {str(given['file'])[:80]!r} cannot be read: {exc}")
        elif "output" in given:
            output = self._data(given["output"])
        else:
            return self._bad(f"the row has neither output nor file{_near(row)}")
        goal = given.get("goal", "")
        return Label(
            id=str(given.get("id", number)),
            output=output,
            label=value,
            expected=self._data(given.get("expected")),
            goal=goal if isinstance(goal, str) else json.dumps(goal),
            other=self._data(given.get("other")),
        )

    def _bad(self, message: str, remedy: str = "") -> Label | None:
        """Add a problem; there is no label then."""
        self._problems.append(Problem(str(self._path), self._line, 1, message, remedy))
        return None

    def _data(self, value: Any) -> Any:
        """Return a JSON object or list in a cell as data."""
        if self._csv and isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            try:
                return json.loads(value, parse_constant=_refuse)
            except (ValueError, RecursionError):
                return value
        return value

    def _file(self, name: str) -> Any:
        """Return what a file holds.

        Raises:
            OSError: It cannot be read.
            ValueError: It lies elsewhere, or is no text.
        """
        folder = self._path.resolve().parent
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ValueError(f"it lies outside of {folder}")
        if path.stat().st_size > _MOST_FILE:
            raise ValueError(f"it is larger than {_MOST_FILE // 1024**2} MB")
        if path.suffix.lower() in _DATA:
            document = read_document(path)
            if document.problems:
                raise ValueError(document.problems[0].message)
            return document.data
        return path.read_text(encoding="utf-8")


def _near(row: dict[str, Any]) -> str:
    for name in row:
        told = hint(name, _COLUMNS)
        if name not in _COLUMNS and told:
            return f": the column {name!r} is not known{told}"
    return ""


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        try:
            value = float(word)
        except ValueError:
            return None
    if not isinstance(value, int | float) or not isfinite(value) or not 0 <= value <= 1:
        return None
    return float(value)


# Files


def _rows(path: Path, problems: list[Problem]) -> Iterator[_Row]:
    kind = path.suffix.lower()
    if kind == ".csv":
        yield from _csv(path, problems)
    elif kind in (".jsonl", ".ndjson"):
        yield from _jsonl(path, problems)
    elif kind in _DATA:
        document = read_document(path)
        problems += document.problems
        if document.problems:
            return
        if not isinstance(document.data, list):
            problems.append(document.problem((1, 1), "a file of labels is a list of mappings"))
            return
        for index, row in enumerate(document.data):
            line = document.position((index,))[0]
            if isinstance(row, dict):
                yield line, row
            else:
                problems.append(Problem(str(path), line, 1, "a row is a mapping with output and label"))
    else:
        suffixes = ".csv, .jsonl, .json or .yaml"
        problems.append(Problem(str(path), 1, 1, f"labels are read from files with the suffix {suffixes}"))


def _csv(path: Path, problems: list[Problem]) -> Iterator[_Row]:
    before = csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        if len(set(names)) < len(names) or not all(names):
            problems.append(Problem(str(path), 1, 1, "two columns have the same name, or one has none"))
            return
        line = rows.line_num + 1
        for row in rows:
            if any(cell.strip() for cell in row):
                if len(row) == len(names):
                    yield line, dict(zip(names, row, strict=True))
                else:
                    message = f"the row has {len(row)} cells, and there are {len(names)} columns"
                    problems.append(Problem(str(path), line, 1, message, "quote cells that hold commas"))
            line = rows.line_num + 1
    except csv.Error as exc:
        problems.append(Problem(str(path), max(1, rows.line_num), 1, f"not valid CSV: {exc}"))
    finally:
        csv.field_size_limit(before)


def _jsonl(path: Path, problems: list[Problem]) -> Iterator[_Row]:
    for line, text in enumerate(_text(path).split("\n"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as exc:
            problems.append(Problem(str(path), line, 1, f"the line is not JSON: {exc}"))
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            problems.append(Problem(str(path), line, 1, "a line is a JSON object with output and label"))


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        SpecError: It cannot be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(
                [Problem(str(path), 1, 1, f"the file is larger than {_MOST_BYTES // 1024**2} MB")]
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise SpecError([Problem(str(path), line, 1, "the file is not UTF-8", "save it as UTF-8")]) from None
    except OSError as exc:
        raise SpecError([Problem(str(path), 1, 1, f"the file cannot be read: {exc.strerror}")]) from None
