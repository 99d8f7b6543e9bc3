"""Reads a file of another tool, whichever it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from loopengt.errors import SpecError, UsageError
from loopengt.judging import option_problems
from loopengt.spec import Problem, read_document
from loopengt_evals.formats import inspect_logs, promptfoo, pydantic_evals
from loopengt_evals.suites.model import EvalCase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from loopengt_evals.formats.collected import Cases
    from loopengt_hookspecs.registration import Components

__all__ = ["FORMATS", "import_file"]

_MOST_BYTES = 512 * 1024 * 1024

FORMATS = (pydantic_evals.FORMAT, promptfoo.FORMAT, inspect_logs.FORMAT)


def import_file(components: Components, path: Path, wanted: str) -> Cases:
    """Read a file of another tool.

    Args:
        components: Where judges are looked up.
        path: The file.
        wanted: Its format, or ``auto``.

    Raises:
        SpecError: It cannot be read, or is not of that format.
        UsageError: Its format cannot be told.
    """
    data = _data(path)
    kind = _told(path, data) if wanted == "auto" else wanted
    try:
        if kind == promptfoo.FORMAT:
            found = promptfoo.read(data, path.stem, path.parent)
        elif kind == inspect_logs.FORMAT:
            found = inspect_logs.read(data, path.stem)
        else:
            found = pydantic_evals.read(data, path.stem)
    except (ValueError, UnicodeDecodeError, OSError) as exc:
        raise SpecError([Problem(str(path), 1, 1, f"not a file of {kind}: {exc}")]) from None
    _check(components, found)
    return found


def _data(path: Path) -> Any:
    """Return what a file holds.

    Raises:
        SpecError: It cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"the file is larger than {_MOST_BYTES // 1024**2} MB")
        if inspect_logs.is_log_file(path):
            return inspect_logs.read_log(path)
        if suffix == ".csv":
            return list(promptfoo.rows_of_csv(path))
        if suffix in (".jsonl", ".ndjson"):
            return list(promptfoo.rows_of_lines(path))
        if suffix == ".json":  # logs are larger than what people write by hand
            return json.loads(path.read_bytes())
    except json.JSONDecodeError as exc:
        raise SpecError([Problem(str(path), exc.lineno, exc.colno, f"not valid JSON: {exc.msg}")]) from None
    except RecursionError:
        raise SpecError([Problem(str(path), 1, 1, "it is nested too deeply")]) from None
    except (ValueError, OSError) as exc:
        raise SpecError([Problem(str(path), 1, 1, str(exc))]) from None
    document = read_document(path)
    if document.problems:
        raise SpecError(document.problems)
    return document.data


def _told(path: Path, data: Any) -> str:
    """Return the format that a file has by its content.

    Raises:
        UsageError: It cannot be told.
    """
    known = (inspect_logs, pydantic_evals, promptfoo)
    fitting: list[str] = [module.FORMAT for module in known if module.looks_like(data)]
    if len(fitting) == 1:
        return fitting[0]
    if isinstance(data, dict) and {"loop", "cases"} <= set(data):
        raise UsageError(f"{path} is an evals.yaml already", remedy=f"Run it: loopengt eval suite {path}")
    raise UsageError(
        f"it cannot be told of which format {path} is", remedy=f"Say it: --format {'|'.join(FORMATS)}"
    )


def _check(components: Components, found: Cases) -> None:
    """Leave out judges and cases that would be refused when the suite is loaded, and say so."""
    found.judges = list(_sound(components, found.judges, "all cases", found))
    cases = []
    for case in found.cases:
        if "judges" in case:
            case["judges"] = list(_sound(components, case["judges"], case["id"], found))
            if not case["judges"]:
                del case["judges"]
        try:
            EvalCase.model_validate(case)
        except ValidationError as exc:
            error = exc.errors(include_url=False)[0]
            place = ".".join(map(str, error["loc"]))
            found.notes.add(case["id"], f"the case was left out: {place}: {error['msg']}")
        else:
            cases.append(case)
    found.cases = cases


def _sound(
    components: Components, judges: Iterable[dict[str, Any]], where: str, found: Cases
) -> Iterator[dict[str, Any]]:
    for declared in judges:
        kind = declared["kind"]
        if kind not in components.names("judges"):
            found.notes.add(where, f"a judge of kind {kind} was left out: no loaded plugin has it")
            continue
        model = components.get("judges", kind).options
        said = [
            message for _, message in option_problems(f"judge {kind!r}", model, declared.get("options", {}))
        ]
        if said:
            found.notes.add(where, f"a judge of kind {kind} was left out: {said[0]}")
        else:
            yield declared
