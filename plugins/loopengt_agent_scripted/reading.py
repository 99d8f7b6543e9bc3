"""Reads a script from a file of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopengt import SpecError
from loopengt.spec import read_document
from loopengt_agent_scripted.script import Script, parse_script

__all__ = ["read_script"]

_LINES = (".ndjson", ".jsonl")
_MOST_BYTES = 16_000_000


def read_script(path: Path, project: Path) -> Script:
    """Read a script.

    Args:
        path: The file: YAML or JSON, or with the suffix ``.ndjson`` or ``.jsonl`` an answer a line. A line of the
            form ``{"step": NAME, "answer": …}`` or ``{"agent": NAME, "answer": …}`` says whose answer it is.
        project: The project folder; a file outside is not read.

    Raises:
        ValueError: It is not there, outside the project, or no script; the message says which.
    """
    real = path.resolve()
    if not real.is_relative_to(project.resolve()):
        raise ValueError("it leads outside the project")
    if path.suffix.lower() in _LINES:
        return parse_script(_from_lines(real))
    try:
        document = read_document(real)
    except SpecError as exc:
        raise ValueError(_said(exc.problems)) from None
    if document.problems:
        raise ValueError(_said(document.problems))
    return parse_script(document.data)


def _said(problems: Any) -> str:
    return "; ".join(f"line {problem.line}: {problem.message}" for problem in problems)


def _from_lines(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        text = raw.decode()
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise ValueError(f"it cannot be read: {exc}") from None
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES // 1_000_000} MB")
    found: dict[str, Any] = {"steps": {}, "agents": {}, "common": []}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError(f"line {number} is not JSON") from None
        _list_for(value, found).append(value["answer"] if _is_addressed(value) else value)
    return found


def _is_addressed(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() in ({"step", "answer"}, {"agent", "answer"})


def _list_for(value: Any, found: dict[str, Any]) -> list[Any]:
    if not _is_addressed(value):
        common: list[Any] = found["common"]
        return common
    owner = "step" if "step" in value else "agent"
    answers: list[Any] = found[f"{owner}s"].setdefault(str(value[owner]), [])
    return answers
