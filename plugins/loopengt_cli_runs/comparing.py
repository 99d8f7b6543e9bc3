"""Compares two runs: specs, steps side by side, the first place where they part, outputs and ends."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from loopengt.redaction import MARK, is_secret_name
from loopengt.story import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt.story import Execution, Story
    from loopengt_cli_runs.reading import Recorded

__all__ = ["compare"]

_MOST_LINES = 3_000
"""Lines of a text that are compared line by line: the time for that can grow with their square."""
_LONGEST_LINE = 2_000

Row = dict[str, Any]


def compare(one: Recorded, other: Recorded) -> dict[str, Any]:
    """Return what tells two runs apart, as JSON data.

    Keys: ``runs`` (a, b), ``spec`` and ``output`` (``same`` and a unified ``diff``), ``steps`` (each with ``a``, ``b``,
    and ``changes``, the names of what differs), ``first_divergence`` (None: there is none), ``end``.
    """
    stories = tell(one.events), tell(other.events)
    rows = [list(_rows(story)) for story in stories]
    steps = _paired(*rows)
    runs = [_run(recorded, story) for recorded, story in zip((one, other), stories, strict=True)]
    return {
        "runs": {"a": runs[0], "b": runs[1]},
        "spec": _specs(one.spec, other.spec),
        "steps": [_without_values(pair) for pair in steps],
        "first_divergence": _first(steps, *rows),
        "output": _difference(*(_text(story.output) for story in stories)),
        "end": {"same": runs[0]["end"] == runs[1]["end"], "a": runs[0]["end"], "b": runs[1]["end"]},
    }


def _run(recorded: Recorded, story: Story) -> dict[str, Any]:
    state = recorded.state
    reason, detail = story.end or ("", "")
    cost, unknown = story.cost
    return {
        "run_id": state.run_id,
        "loop": state.loop_name,
        "status": state.status.value,
        "end": {"reason": reason, "detail": detail},
        "turns": state.turn,
        "seconds": round(story.seconds, 6),
        "tokens": story.tokens,
        "cost_usd": round(cost, 9),
        "unknown_costs": unknown,
        "readable": recorded.damage is None,
    }


def _rows(story: Story, above: str = "") -> Iterator[Row]:
    """Yield the executions of a run, those of its child runs behind the step that they do."""
    for execution in story.executions:
        name = f"{above}{execution.step}"
        yield _row(execution, name)
        for attempt in execution.attempts:
            if attempt.child is not None:
                yield from _rows(attempt.child, f"{name}#{execution.occurrence}/")


def _row(execution: Execution, name: str) -> Row:
    cost, unknown = execution.cost
    last = execution.attempts[-1] if execution.attempts else None
    return {
        "step": name,
        "occurrence": execution.occurrence,
        "status": execution.status,
        "why": execution.why,
        "attempts": len(execution.attempts),
        "gates": {check.gate: check.passed for check in last.checks} if last else {},
        "seconds": execution.seconds,
        "tokens": execution.tokens,
        "cost_usd": round(cost, 9),
        "unknown_costs": unknown,
        "asked": [attempt.asked for attempt in execution.attempts],
        "output": last.output if last else None,
    }


def _paired(ours: list[Row], theirs: list[Row]) -> list[Row]:
    """Put executions of the same step and number side by side, in the order of the first run."""
    others = {(row["step"], row["occurrence"]): row for row in theirs}
    pairs = [_pair(row, others.pop((row["step"], row["occurrence"]), None)) for row in ours]
    return pairs + [_pair(None, row) for row in others.values()]


def _pair(one: Row | None, other: Row | None) -> Row:
    known = one or other or {}
    pair: Row = {
        "step": known["step"],
        "occurrence": known["occurrence"],
        "a": one,
        "b": other,
        "changes": [],
    }
    if one is None or other is None:
        pair["changes"] = ["only in b" if one is None else "only in a"]
        return pair
    words = {
        "asked": "prompt",
        "status": "status",
        "attempts": "attempts",
        "gates": "gates",
        "output": "output",
    }
    pair["changes"] = [word for key, word in words.items() if one[key] != other[key]]
    pair["gates_changed"] = sorted(
        gate
        for gate in one["gates"].keys() | other["gates"]
        if one["gates"].get(gate) != other["gates"].get(gate)
    )
    pair["difference"] = {
        unit: None if one[unit] is None or other[unit] is None else round(other[unit] - one[unit], 9)
        for unit in ("seconds", "tokens", "cost_usd")
    }
    return pair


def _without_values(pair: Row) -> Row:
    """Leave out what is only there to be compared, or long."""
    shown = {
        side: None
        if pair[side] is None
        else {k: v for k, v in pair[side].items() if k not in ("asked", "output")}
        for side in ("a", "b")
    }
    return pair | shown


def _first(pairs: list[Row], ours: list[Row], theirs: list[Row]) -> dict[str, Any] | None:
    """Return the first execution that differs; of those that only one of both has, the earliest in its run."""
    places = [
        {(row["step"], row["occurrence"]): index for index, row in enumerate(rows)} for rows in (ours, theirs)
    ]
    differing = [pair for pair in pairs if pair["changes"]]
    if not differing:
        return None

    def place(pair: Row) -> int:
        key = (pair["step"], pair["occurrence"])
        return min(known[key] for known in places if key in known)

    first = min(differing, key=place)
    return {key: first[key] for key in ("step", "occurrence", "changes")}


def _specs(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any]:
    if one is None or other is None:
        return {"same": None, "diff": [], "unknown": "the spec of a run cannot be read"}
    if one == other:
        return {"same": True, "diff": []}
    found = _difference(_yaml(one), _yaml(other))
    return found | {"same": False}  # where the text is the same, what differs are secrets


def _yaml(spec: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(_masked(spec), sort_keys=False, allow_unicode=True, width=100)
    return text


def _masked(value: Any) -> Any:
    """Return a value without the texts that stand under names of secrets."""
    if isinstance(value, dict):
        return {
            key: MARK if isinstance(item, str) and is_secret_name(key) else _masked(item)
            for key, item in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _difference(one: str, other: str) -> dict[str, Any]:
    if one == other:
        return {"same": True, "diff": []}
    before, after = one.split("\n"), other.split("\n")
    common = next(
        (index for index, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    skipped = max(0, common - 3)  # what is the same at the beginning takes no time
    some = slice(skipped, skipped + _MOST_LINES)
    diff = list(difflib.unified_diff(_cut(before[some]), _cut(after[some]), "a", "b", lineterm=""))
    found: dict[str, Any] = {"same": False, "diff": diff}
    if skipped:
        found["from_line"] = skipped + 1
    left = max(len(before), len(after)) - skipped - _MOST_LINES
    if left > 0:
        found["lines_left_out"] = left
    return found


def _cut(lines: list[str]) -> list[str]:
    return [line[:_LONGEST_LINE] for line in lines]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2, default=str)
