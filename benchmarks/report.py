"""Shows outcomes: as a table for a terminal, as Markdown for the README, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.runner import Outcome, Summary

__all__ = ["BEGIN", "END", "markdown", "record", "rewrite", "table"]

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"

_HEADER = ("measure", "min", "median", "max", "unit", "aim", "met")
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
        f"`{settings['command']}`, {settings['runs']} runs, load {settings['load_before']} before and "
        f"{settings['load_after']} after, {_machine(machine)}.",
        "",
        "| " + " | ".join(_HEADER) + " |",
        "|---|---:|---:|---:|---|---:|---|",
    ]
    for outcome in outcomes:
        lines.append(f"| **{_heading(outcome)}** | | | | | | |")
        if outcome.error:
            lines.append(f"| not measured: {outcome.error.splitlines()[-1].replace('|', '/')} | | | | | | |")
        lines += ["| " + " | ".join(_cells(summary)) + " |" for summary in outcome.summaries()]
    return "\n".join(lines) + "\n"


def rewrite(file: Path, section: str) -> None:
    """Replace what stands between the two markers of a file.

    Raises:
        ValueError: The file does not have both markers, once each and in order.
    """
    text = file.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in tail or END in head + tail:
        raise ValueError(f"{file} needs one line {BEGIN} and, below it, one line {END}")
    file.write_text(f"{head}{BEGIN}\n\n{section}\n{END}{tail}", encoding="utf-8")


def _heading(outcome: Outcome) -> str:
    size = ", ".join(
        f"{name} {_number(value)}" for name, value in outcome.size.items() if isinstance(value, int)
    )
    return f"{outcome.case.title} ({size})" if size else outcome.case.title


def _cells(summary: Summary) -> tuple[str, ...]:
    measure = summary.measure
    figures = (_number(value) for value in (min(summary.values), summary.median, max(summary.values)))
    aim = "" if measure.aim is None else f"≤ {_number(measure.aim)}"
    return (measure.label, *figures, measure.unit, aim, _MET[summary.met])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (1, 2, 3, 5)
    cells = [
        cell.rjust(width) if column in numbers else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _number(value: float) -> str:
    """Three digits that count, or all before the point."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"


def _machine(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['python']}, SQLite {machine['sqlite']}, {machine['cores']} cores of {machine['processor']}, "
        f"{machine['kernel']}, {machine['file_system']}; {packages}"
    )
