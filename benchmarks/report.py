"""Shows outcomes: as a table for a terminal, as Markdown for the README, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.runner import Outcome, Summary

__all__ = ["BEGIN", "END", "markdown", "record", "replace_section", "table"]

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"

_HEADER = ("measure", "min", "median", "max", "unit", "aim", "met")
_TO_THE_RIGHT = (1, 2, 3, 5)
_MET = {True: "yes", False: "NO", None: ""}


def record(machine: dict[str, Any], settings: dict[str, Any], outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return everything as JSON data."""
    return {"machine": machine, "settings": settings, "results": [outcome.record() for outcome in outcomes]}


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as text in columns, one block for each case."""
    blocks = [(outcome, [_HEADER, *map(_cells, outcome.summaries())]) for outcome in outcomes]
    widths = [max(len(row[column]) for _, rows in blocks for row in rows) for column in range(len(_HEADER))]
    lines = []
    for outcome, rows in blocks:
        lines.append(_heading(outcome))
        if outcome.error:
            lines += [f"  not measured: {line}" for line in outcome.error.splitlines()]
        else:
            lines += ["  " + _aligned(row, widths) for row in rows]
        lines.append("")
    return "\n".join(lines)


def markdown(machine: dict[str, Any], settings: dict[str, Any], outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as one Markdown table, with the machine and the command above it."""
    lines = [
        f"Written by `{settings['command']}`: {settings['runs']} runs, load {settings['load_before']} before "
        f"and {settings['load_after']} after; {_in_words(machine)}.",
        "",
        "| " + " | ".join(_HEADER) + " |",
        "|---|---:|---:|---:|---|---:|---|",
    ]
    for outcome in outcomes:
        lines.append(f"| **{_heading(outcome)}** | | | | | | |")
        lines += ["| " + " | ".join(_cells(summary)) + " |" for summary in outcome.summaries()]
    return "\n".join(lines)


def replace_section(text: str, section: str) -> str:
    """Return a text with another section between its two markers.

    Raises:
        ValueError: It does not have both markers, once each and in order.
    """
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if [text.count(marker) for marker in (BEGIN, END)] != [1, 1] or END in head:
        raise ValueError(f"it needs one line {BEGIN} and, below it, one line {END}")
    return f"{head}{BEGIN}\n\n{section}\n\n{END}{tail}"


def _heading(outcome: Outcome) -> str:
    numbers = {name: value for name, value in outcome.size.items() if isinstance(value, int)}
    size = ", ".join(f"{name} {_number(value)}" for name, value in numbers.items())
    return f"{outcome.case.title} ({size})" if size else outcome.case.title


def _cells(summary: Summary) -> tuple[str, ...]:
    measure = summary.measure
    figures = (_number(value) for value in (min(summary.values), summary.median, max(summary.values)))
    aim = "" if measure.aim is None else f"≤ {_number(measure.aim)}"
    return (measure.label, *figures, measure.unit, aim, _MET[summary.met])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in _TO_THE_RIGHT else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _number(value: float) -> str:
    """Three digits that count, or all before the point."""
    size = abs(value)
    if value == int(value) or size >= 100:
        return f"{value:,.0f}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}"


def _in_words(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['python']}, SQLite {machine['sqlite']}, {machine['cores']} cores of "
        f"{machine['processor']}, {machine['kernel']}, {machine['file_system']}; {packages}"
    )
