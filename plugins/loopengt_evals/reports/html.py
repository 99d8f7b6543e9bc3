"""Writes an evaluation, and a comparison, as a page that is complete in itself: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from loopengt.display import dollars, first_line, one_line, visible
from loopengt_evals.reports.plots import change_plot, dots, share_plot, strip_plot
from loopengt_evals.reports.report import case_word, change_text, level_text, percent, range_text, value_text
from loopengt_evals.reports.style import STYLE
from loopengt_evals.suites.results import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from loopengt_evals.reports.report import Report
    from loopengt_evals.suites.comparing import Change, Compared, Comparison
    from loopengt_evals.suites.results import CaseResult
    from loopengt_evals.suites.trials import Trial

__all__ = ["comparison_html", "to_html"]

_MOST_CASES = 1_000
_MOST_TRIALS = 20
_LONGEST = 2_000


def _e(text: object, limit: int = 200) -> str:
    """Return a text of any origin on one line, as HTML shows it."""
    return escape(visible(one_line(str(text), limit)))


def to_html(report: Report) -> str:
    """Return the page of an evaluation."""
    result = report.result
    parts = [
        f"<h1>{_e(result.suite)}</h1>",
        f'<p class="soft">loop {_e(result.loop)}, evaluation {_e(result.evaluation)}, '
        f"{len(result.cases):,} cases, {len(result.trials):,} trials</p>",
    ]
    if result.stopped:
        parts.append(f'<p class="error">Not all trials were run: {_e(result.stopped)}</p>')
    if report.comparison is not None:
        parts += _verdict(report.comparison)
    parts += [*_figures(report), *_cases(result.cases)]
    return _page(f"{result.suite}: {result.loop}", parts)


def comparison_html(comparison: Comparison) -> str:
    """Return the page of a comparison that stands by itself."""
    title = f"{comparison.a.label} → {comparison.b.label}"
    return _page(title, [f"<h1>{_e(title)}</h1>", *_verdict(comparison)])


def _page(title: str, parts: Iterable[str]) -> str:
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_e(title)}</title><style>{STYLE}</style>"
    )
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'
    )


def _verdict(comparison: Comparison) -> Iterator[str]:
    yield f'<div class="verdict {comparison.verdict}"><p><strong>{_e(comparison.sentence, 1000)}</strong></p>'
    yield f'<p class="small soft">{_e(comparison.power)} Level: {level_text(comparison.level)}.</p>'
    for note in comparison.notes:
        yield f'<p class="small">{_e(note, 500)}</p>'
    yield "</div>"
    yield f"<h2>{_e(comparison.a.label, 60)} → {_e(comparison.b.label, 60)}</h2>"
    yield '<div class="cards">'
    yield from map(_compared, comparison.figures)
    yield "</div>"
    yield from _changes("Passed before, and do not now", comparison.broken)
    yield from _changes("Pass now, and did not before", comparison.mended)


def _compared(each: Compared) -> str:
    unit = each.figure.unit
    said = (
        "not decisive"
        if each.adjusted is None
        else {"none": "no difference shown"}.get(each.verdict, each.verdict)
    )
    word = each.verdict if each.adjusted is not None else "none"
    return (
        f'<div class="card"><h3>{_e(each.name)}</h3>'
        f'<div class="big">{_e(value_text(each.a, unit))} → {_e(value_text(each.b, unit))}</div>'
        f'<div class="small soft">{_e(change_text(each))}, {_e(each.p_text)}, {said}</div>'
        f"{change_plot(each.change, f'{visible(each.name)}: {change_text(each)}', word)}</div>"
    )


def _changes(title: str, changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    yield f"<details><summary>{title}: {len(changes)}</summary><ul>"
    for change in changes[:_MOST_CASES]:
        counts = f"{change.passed_a}/{change.trials_a} → {change.passed_b}/{change.trials_b}"
        yield f"<li>{_e(change.case)}: {counts}</li>"
    yield "</ul></details>"


def _figures(report: Report) -> Iterator[str]:
    result, found = report.result, report.analysis
    level = level_text(result.level)
    yield '<h2>Figures</h2><div class="cards">'
    if found.success is not None:
        bounds = range_text(found.success, "share")
        more = ""
        if found.success_elsewhere is not None:
            elsewhere = range_text(found.success_elsewhere, "share")
            more = f'<div class="small soft">for other cases like these: {elsewhere}</div>'
        yield (
            f'<div class="card"><h3>success rate</h3><div class="big">{percent(found.success.estimate)}</div>'
            f'<div class="small soft">{found.passed} of {found.judged}; {level}: {bounds}</div>{more}'
            f"{share_plot(found.success, f'success rate {percent(found.success.estimate)}, {bounds}')}</div>"
        )
    if len(found.pass_at) > 1:
        rows = "".join(
            f"<tr><td>{each.k}</td><td>{percent(each.at_least_one)}</td><td>{percent(each.all)}</td></tr>"
            for each in found.pass_at
        )
        yield (
            '<div class="card"><h3>pass@k, pass^k</h3><table><tr><th>k</th><th>one of k passes</th>'
            f"<th>all k pass</th></tr>{rows}</table></div>"
        )
    for name, mean in found.means.items():
        unit = result.figures[name].unit
        values = [
            v for t in result.trials if t.passed is not None for v in [value_of(t, name)] if v is not None
        ]
        bounds = range_text(mean.interval, unit)
        ends = value_text(min(values), unit), value_text(max(values), unit)
        title = f"{visible(name)} of each trial, mean {value_text(mean.interval.estimate, unit)}"
        yield (
            f'<div class="card"><h3>{_e(name)}, mean of a trial</h3>'
            f'<div class="big">{_e(value_text(mean.interval.estimate, unit))}</div>'
            f'<div class="small soft">{level}: {_e(bounds)}</div>{strip_plot(values, mean.interval, title, ends)}</div>'
        )
    yield "</div>"
    total = f"{dollars(found.cost_usd, found.unknown_costs)}, {found.tokens:,} tokens"
    yield f'<p class="soft">All trials and judges: {_e(total)}</p>'
    if found.errors:
        yield f'<p class="error">{found.errors} trials have no verdict, and are left out of all figures.</p>'
    if found.open:
        yield f'<p class="soft">{found.open} trials were not run.</p>'
    for missed in found.missed:
        yield f'<p class="failed">Threshold missed: {_e(missed)}</p>'


def _cases(cases: Sequence[CaseResult]) -> Iterator[str]:
    # What did not pass comes first.
    ordered = sorted(cases, key=lambda case: case_word(case) == "passed")
    yield '<h2>Cases</h2><div class="scroll"><table><tr><th>case</th><th>trials</th><th>why</th></tr>'
    for case in ordered[:_MOST_CASES]:
        marks = dots([_word(trial) for trial in case.trials])
        count = f'<span class="count">{case.passed}/{len(case.trials)}</span>'
        yield f'<tr><td class="id">{_e(case.id)}</td><td>{count} {marks}</td><td>{_why(case)}</td></tr>'
    yield "</table></div>"
    if len(ordered) > _MOST_CASES:
        yield f'<p class="soft">… and {len(ordered) - _MOST_CASES:,} more cases</p>'


def _word(trial: Trial) -> str:
    if trial.passed is None:
        return "error" if trial.error else "open"
    return "passed" if trial.passed else "failed"


def _why(case: CaseResult) -> str:
    bad = [trial for trial in case.trials if not trial.passed and (trial.run_id or trial.error)]
    if not bad:
        return ""
    texts = "\n\n".join(
        f"trial {trial.number}, run {trial.run_id or '-'}\n{trial.why[:_LONGEST]}"
        for trial in bad[:_MOST_TRIALS]
    )
    summary = _e(first_line(bad[0].why, 160))
    return f"<details><summary>{summary}</summary><pre>{escape(visible(texts, keep=chr(10)))}</pre></details>"
