"""Writes an evaluation, and a comparison, in Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopengt.display import dollars, first_line, one_line
from loopengt_evals.reports.report import case_word, change_text, level_text, percent, range_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_evals.reports.report import Report
    from loopengt_evals.suites.comparing import Comparison
    from loopengt_evals.suites.results import CaseResult

__all__ = ["comparison_markdown", "to_markdown"]

_MOST_CASES = 100
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")


def plain(text: str, limit: int = 120) -> str:
    """Return a text that Markdown shows as it is: on one line, without markup, links, mentions or HTML."""
    line = one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _SPECIAL.sub(r"\\\1", line)
    # A zero-width character keeps names and addresses from becoming mentions and links.
    return line.replace("@", "@&#8203;").replace("://", ":&#8203;//").replace("www.", "www&#8203;.")


def to_markdown(report: Report) -> str:
    """Return the report: a line that tells all, a table of figures, and the cases folded."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    result, found = report.result, report.analysis
    yield f"### {plain(result.suite)}: {plain(result.loop)}"
    yield ""
    if report.comparison is not None:
        yield from _verdict(report.comparison)
    level = level_text(result.level)
    yield f"| figure | value | {level} interval |"
    yield "|---|---|---|"
    if found.success is not None:
        value = f"**{percent(found.success.estimate)}** ({found.passed} of {found.judged})"
        yield f"| success rate | {value} | {range_text(found.success, 'share')} |"
    if len(found.pass_at) > 1:
        last = found.pass_at[-1]
        yield f"| pass@{last.k} / pass^{last.k} | {percent(last.at_least_one)} / {percent(last.all)} | |"
    for name, mean in found.means.items():
        unit = result.figures[name].unit
        yield (
            f"| {plain(name)} a trial | {value_text(mean.interval.estimate, unit)} "
            f"| {range_text(mean.interval, unit)} |"
        )
    yield f"| cost in all | {plain(dollars(found.cost_usd, found.unknown_costs))} | |"
    if found.errors:
        yield f"| trials without a verdict | **{found.errors}** | left out of all figures |"
    if found.open:
        yield f"| trials not run | **{found.open}** | |"
    for missed in found.missed:
        yield f"\n**Threshold missed:** {plain(str(missed), 300)}"
    yield ""
    yield from _cases(result.cases)
    yield ""
    yield f"<sub>evaluation {plain(result.evaluation)}</sub>"


def _cases(cases: Sequence[CaseResult]) -> Iterator[str]:
    bad = [case for case in cases if case_word(case) != "passed"]
    passed = len(cases) - len(bad)
    if not bad:
        yield f"All {passed} cases passed."
        return
    yield f"<details><summary>{len(bad)} of {len(cases)} cases not passed</summary>"
    yield ""
    yield "| case | passed | | why |"
    yield "|---|---|---|---|"
    for case in bad[:_MOST_CASES]:
        trial = next(trial for trial in case.trials if not trial.passed)
        yield (
            f"| {plain(case.id, 80)} | {case.passed}/{len(case.trials)} | {case_word(case)} "
            f"| {plain(first_line(trial.why, 200), 200)} |"
        )
    if len(bad) > _MOST_CASES:
        yield f"| … | | | and {len(bad) - _MOST_CASES} more |"
    yield ""
    yield "</details>"


def comparison_markdown(comparison: Comparison) -> str:
    """Return a comparison that stands by itself."""
    title = f"### {plain(comparison.a.label)} → {plain(comparison.b.label)}"
    return "\n".join([title, "", *_verdict(comparison)]) + "\n"


def _verdict(comparison: Comparison) -> Iterator[str]:
    mark = {"worse": "❌", "better": "✅"}.get(comparison.verdict, "•")
    yield f"{mark} **{plain(comparison.sentence, 1000)}**"
    if comparison.verdict == "none":
        yield comparison.power
    yield ""
    yield f"| figure | {plain(comparison.a.label, 40)} | {plain(comparison.b.label, 40)} | change | | verdict |"
    yield "|---|---|---|---|---|---|"
    for each in comparison.figures:
        unit = each.figure.unit
        verdict = (
            "" if each.adjusted is None else {"none": "no difference shown"}.get(each.verdict, each.verdict)
        )
        yield (
            f"| {plain(each.name)} | {value_text(each.a, unit)} | {value_text(each.b, unit)} "
            f"| {plain(change_text(each))} | {plain(each.p_text)} | {verdict} |"
        )
    yield ""
    if comparison.broken:
        yield f"<details><summary>{len(comparison.broken)} cases passed before, and do not now</summary>\n"
        for change in comparison.broken[:_MOST_CASES]:
            counts = f"{change.passed_a}/{change.trials_a} → {change.passed_b}/{change.trials_b}"
            yield f"- {plain(change.case, 80)}: {counts}"
        yield "\n</details>\n"
    for note in comparison.notes:
        yield f"> {plain(note, 500)}"
    if comparison.notes:
        yield ""
