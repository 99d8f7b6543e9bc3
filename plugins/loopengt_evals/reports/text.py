"""Writes an evaluation, and a comparison, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import dollars, first_line, one_line, visible
from loopengt_evals.reports.report import case_word, change_text, level_text, percent, range_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_evals.reports.report import Report
    from loopengt_evals.suites.comparing import Change, Comparison
    from loopengt_evals.suites.results import CaseResult

__all__ = ["comparison_lines", "to_text"]

_MOST_CASES = 40
_MOST_CHANGES = 10


def to_text(report: Report) -> str:
    """Return the report: the cases in a table, then the figures, then the comparison."""
    result = report.result
    lines = [visible(f"{result.suite}: {result.loop}  ({result.evaluation})"), ""]
    lines += _cases(result.cases)
    lines += ["", *_figures(report)]
    if report.comparison is not None:
        lines += ["", *comparison_lines(report.comparison)]
    return "\n".join(lines)


def _cases(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Write a line for each case; of many, only for those that are not passed."""
    shown = [case for case in cases if len(cases) <= _MOST_CASES or case_word(case) != "passed"]
    rows = [["CASE", "PASSED", "", "WHY"], *map(_row, shown[:_MOST_CASES])]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [row[column].ljust(widths[column]) for column in range(3)]
        yield "  ".join([*cells, row[3]]).rstrip()
    left_out = len(cases) - min(len(shown), _MOST_CASES)
    if left_out:
        what = "more, all of them passed" if len(shown) <= _MOST_CASES else "more"
        yield f"… and {left_out:,} {what}"


def _row(case: CaseResult) -> list[str]:
    bad = next((trial for trial in case.trials if not trial.passed), None)
    why = "" if bad is None else visible(first_line(bad.why, 100))
    return [visible(one_line(case.id, 48)), f"{case.passed}/{len(case.trials)}", case_word(case), why]


def _figures(report: Report) -> Iterator[str]:
    found, level = report.analysis, level_text(report.result.level)
    if found.success is not None:
        success = found.success
        yield (
            f"success rate  {percent(success.estimate)}  ({found.passed} of {found.judged}; "
            f"{level}: {range_text(success, 'share')})"
        )
    if found.success_elsewhere is not None:
        yield f"              for other cases like these: {range_text(found.success_elsewhere, 'share')}"
    if len(found.pass_at) > 1:
        parts = [
            f"{percent(each.at_least_one)} / {percent(each.all)} (k = {each.k})" for each in found.pass_at
        ]
        yield f"pass@k/pass^k {', '.join(parts)}"
    width = max([12, *map(len, found.means)])
    for name, mean in found.means.items():
        unit = report.result.figures[name].unit
        yield (
            f"{visible(name).ljust(width)}  {value_text(mean.interval.estimate, unit)} a trial  "
            f"({level}: {range_text(mean.interval, unit)})"
        )
    cost = dollars(found.cost_usd, found.unknown_costs).removeprefix("cost ")
    yield f"cost          {cost} in all, {found.tokens:,} tokens"
    if found.errors:
        yield f"no verdict    {found.errors} trial{'' if found.errors == 1 else 's'}, left out of all figures"
    if found.open:
        yield f"not run       {found.open} trial{'' if found.open == 1 else 's'}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Write a comparison: a line a figure, the cases that have changed, and the verdict."""
    a, b = visible(one_line(comparison.a.label, 60)), visible(one_line(comparison.b.label, 60))
    yield f"{a} → {b}, {comparison.cases} case{'' if comparison.cases == 1 else 's'} in common"
    rows = [
        [
            visible(each.name),
            f"{value_text(each.a, each.figure.unit)} → {value_text(each.b, each.figure.unit)}",
            change_text(each),
            each.p_text,
            ""
            if each.adjusted is None
            else {"none": "no difference shown"}.get(each.verdict, each.verdict.upper()),
        ]
        for each in comparison.figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [row[column].ljust(widths[column]) for column in range(4)]
        yield f"  {'  '.join([*cells, row[4]])}".rstrip()
    yield from _changes("passed before, and does not now", comparison.broken)
    yield from _changes("passes now, and did not before", comparison.mended)
    for note in comparison.notes:
        yield f"note: {visible(note)}"
    yield visible(comparison.sentence)
    if comparison.verdict == "none":
        yield comparison.power


def _changes(what: str, changes: Sequence[Change]) -> Iterator[str]:
    for change in changes[:_MOST_CHANGES]:
        counts = f"{change.passed_a}/{change.trials_a} → {change.passed_b}/{change.trials_b}"
        yield f"  {what}: {visible(one_line(change.case, 60))}  {counts}"
    if len(changes) > _MOST_CHANGES:
        yield f"  … and {len(changes) - _MOST_CHANGES} more"
