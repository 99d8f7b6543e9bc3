"""Baselines: what an evaluation has come to, in a small file that is made to be committed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import LoopengtError, UsageError
from loopengt.naming import hint
from loopengt.project import make_state_folder
from loopengt_evals.suites.results import Side, SideCase

if TYPE_CHECKING:
    from loopengt_evals.suites.results import EvaluationResult

__all__ = ["baseline_path", "read_baseline", "save_baseline"]

FORMAT = 1
"""Version of the file's format."""

_KEPT = ("suite", "suite_digest", "loop", "loop_digest", "versions", "evaluation")
_DIGITS = 6
_MOST_BYTES = 64 * 1024 * 1024


def baseline_path(project_folder: Path, name: str) -> Path:
    """Return the file of a baseline.

    Args:
        project_folder: The ``.loopengt`` folder.
        name: Its name, or a path, which has a slash or ends with ``.json``.

    Raises:
        UsageError: It is neither.
    """
    if "/" in name or os.sep in name or name.endswith(".json"):
        return Path(name)
    if not name.strip() or not name.isprintable() or name.startswith(".") or len(name) > 100:
        raise UsageError(
            f"{name!r} cannot be the name of a baseline", remedy="Use letters, digits, '-' and '_'."
        )
    return project_folder / "baselines" / f"{name}.json"


def save_baseline(path: Path, result: EvaluationResult) -> None:
    """Write a baseline, in place of one that is there; all of it or nothing.

    Args:
        path: The file.
        result: The evaluation.

    Raises:
        UsageError: No trial has a verdict.
        LoopengtError: It cannot be written.
    """
    side = result.side()
    if not side.cases:
        raise UsageError("no trial has a verdict, and there is nothing to save as a baseline")
    lines = [f'  "format": {FORMAT}']
    lines += [f'  "{key}": {_line(side.facts[key])}' for key in _KEPT if key in side.facts]
    cases = ",\n".join(f"    {_line(name)}: {_line(_data(side.cases[name]))}" for name in sorted(side.cases))
    text = "{\n" + ",\n".join([*lines, f'  "cases": {{\n{cases}\n  }}']) + "\n}\n"
    try:
        if path.parent.name == "baselines" and path.parent.parent.name == ".loopengt":
            make_state_folder(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as exc:
        raise LoopengtError(
            f"the baseline {path} cannot be written: {exc.strerror}",
            remedy=f"Once it can: loopengt eval suite SUITE --resume {result.evaluation} --baseline save NAME",
        ) from exc


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def _line(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True)


def _data(case: SideCase) -> dict[str, Any]:
    values = {name: [_short(value) for value in case.values[name]] for name in sorted(case.values)}
    return {"digest": case.digest, "passed": case.passed, "values": values}


def _short(value: float) -> float | int:
    value = round(value, _DIGITS)
    return int(value) if value == int(value) else value


def read_baseline(path: Path, name: str) -> Side:
    """Read a baseline.

    Args:
        path: The file.
        name: What it is called in messages.

    Raises:
        UsageError: There is none, it is damaged, or a newer version has written it.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        others = sorted(each.stem for each in path.parent.glob("*.json"))
        near = hint(name, others) if others else ""
        raise UsageError(
            f"there is no baseline {name!r}{near}",
            remedy=f"Make it: loopengt eval suite SUITE --baseline save {name}",
        ) from None
    except (ValueError, RecursionError):
        data = None
    except OSError as exc:
        raise UsageError(f"the baseline {path} cannot be read: {exc.strerror}") from exc
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        raise UsageError(
            f"the baseline {path} has the format {data['format']}, and this version reads {FORMAT}",
            remedy="Install the loopengt that wrote it, or make the baseline anew with --baseline save.",
        )
    side = _side(name, data)
    if side is None:
        raise UsageError(f"the file {path} is no baseline", remedy="Make it anew with --baseline save.")
    return side


def _side(name: str, data: Any) -> Side | None:
    try:
        if data["format"] != FORMAT:
            return None
        cases = {
            str(case): SideCase(
                str(each["digest"]),
                [_flag(passed) for passed in each["passed"]],
                {str(n): [_number(v) for v in values] for n, values in each["values"].items() if values},
            )
            for case, each in data["cases"].items()
        }
        if not all(case.passed for case in cases.values()):
            return None
        facts = {key: data.get(key) for key in _KEPT}
        if not isinstance(facts["versions"] or {}, dict):
            return None
        return Side(name, facts, cases)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _flag(value: Any) -> int:
    if value not in (0, 1):
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or abs(value) == float("inf")
    ):
        raise ValueError(value)
    return float(value)
