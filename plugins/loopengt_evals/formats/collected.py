"""What is read from a file of another tool: cases, and what could not be taken over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Cases", "Notes", "as_text", "criterion", "expected_of", "judge", "named_apart"]

_LONGEST_ID = 100


@dataclass(slots=True)
class Notes:
    """What was left out or changed: each with the places where, in order."""

    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, where: str, what: str) -> None:
        """Note something.

        Args:
            where: The case, or another place; empty: the file as a whole.
            what: What became of it, in a sentence without a full stop.
        """
        found = self.places.setdefault(what, [])
        if where and where not in found:
            found.append(where)

    def __bool__(self) -> bool:
        """Whether there is something to say."""
        return bool(self.places)


@dataclass(slots=True)
class Cases:
    """Cases in the shape that evals.yaml has."""

    format: str
    name: str = ""
    cases: list[dict[str, Any]] = field(default_factory=list)
    judges: list[dict[str, Any]] = field(default_factory=list)
    """Judges of all cases."""
    repeat: int = 1
    notes: Notes = field(default_factory=Notes)

    def new_id(self, wanted: Any, number: int) -> str:
        """Return an id for a case: the wanted one, made fit for use, and told apart from those before."""
        text = "" if wanted is None else str(wanted)
        base = "".join(char if char.isprintable() else " " for char in text).strip()[:_LONGEST_ID]
        base = base or f"case-{number}"
        taken = {case["id"] for case in self.cases}
        found, count = base, 2
        while found in taken:
            found, count = f"{base}-{count}", count + 1
        if text and found != text:
            self.notes.add(found, "its name was taken, or cannot be an id, and was changed")
        return found

    def add(self, number: int, wanted_id: Any, judges: Iterable[dict[str, Any]] = (), **fields: Any) -> str:
        """Add a case, and return its id; fields that are None or empty are left out.

        Args:
            number: Its place in the file, from 1.
            wanted_id: What it is called there.
            judges: Its own judges.
            fields: What else it has.
        """
        case: dict[str, Any] = {"id": self.new_id(wanted_id, number)}
        case |= {
            key: value for key, value in fields.items() if value is not None and value not in ("", [], {})
        }
        own = list(judges)
        if own:
            case["judges"] = named_apart([*self.judges, *own])[len(self.judges) :]
        self.cases.append(case)
        return str(case["id"])

    def with_own_judges(self) -> list[dict[str, Any]]:
        """Return the cases, each with the judges of all of them, too."""
        return [
            case | ({"judges": [*self.judges, *case.get("judges", [])]} if self.judges else {})
            for case in self.cases
        ]


def judge(kind: str, *, name: str = "", threshold: float | None = None, **options: Any) -> dict[str, Any]:
    """Make the declaration of a judge; options that are None are left out."""
    chosen = {key: value for key, value in options.items() if value is not None}
    found: dict[str, Any] = {"kind": kind}
    if name and name != kind:
        found["name"] = name[:128]
    if threshold is not None:
        found["threshold"] = threshold
    return found | ({"options": chosen} if chosen else {})


def criterion(text: str, **options: Any) -> dict[str, Any]:
    """Make the options of a judge of kind rubric with one criterion."""
    return {"criteria": [{"name": "rubric", "description": text}], **options}


def named_apart(judges: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the declarations with names by which they can be told apart."""
    taken: set[str] = set()
    found = []
    for declared in judges:
        base = str(declared.get("name") or declared["kind"])
        label, count = base, 2
        while label in taken:
            label, count = f"{base}-{count}", count + 1
        taken.add(label)
        kind, rest = (
            declared["kind"],
            {key: each for key, each in declared.items() if key not in ("kind", "name")},
        )
        found.append({"kind": kind} | ({"name": label} if label != kind else {}) | rest)
    return found


def expected_of(value: Any) -> Any:
    """Return what is expected; a list of one thing is that thing."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def as_text(value: Any) -> str:
    """Return a value as text: text as it is, other data as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
