"""Writes what was found for people: one run as a list, several as a table."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from loopengt.display import dollars, duration, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt.evaluating import Evaluation
    from loopengt_hookspecs.metrics import MetricValue
    from loopengt_hookspecs.models import JudgeResult

__all__ = ["to_text"]

_REASON = 400
_LINES = 8
"""Lines of an error that are shown behind its first."""
_MS = 0.1
"""Seconds below which milliseconds are shown."""


def to_text(found: Sequence[Evaluation]) -> str:
    """Return the text.

    Args:
        found: What was found, at least one run; all with the same metrics.
    """
    if len(found) == 1:
        return "\n".join(_list(found[0]))
    lines = list(_tables(found))
    for run in found:
        said = [*_verdicts(run, only_bad=True)]
        if said:
            lines += ["", visible(run.run_id), *said]
    return "\n".join(lines)


def _list(run: Evaluation) -> Iterator[str]:
    reason = f" ({run.reason})" if run.reason else ""
    yield visible(f"{run.run_id}  {run.loop}  {run.status}{reason}")
    yield ""
    width = max(map(len, run.metrics), default=0)
    for name in run.metrics:
        yield f"  {name.ljust(width)}  {_cell(run, name)}"
    if run.scores or run.errors:
        yield ""
        yield from _verdicts(run)


def _verdicts(run: Evaluation, *, only_bad: bool = False) -> Iterator[str]:
    """Write what each judge said, or why it said nothing."""
    for score in run.scores:
        if only_bad and score.passed:
            continue
        needed = "" if score.threshold is None else f"  (needs {score.threshold:g})"
        verdict = "pass" if score.passed else "FAIL"
        yield f"  judge {visible(score.judge_name)}: {verdict}  {score.score:.2f}{needed}{_more(score)}"
        for name, value in score.criteria.items():
            yield f"    {visible(one_line(name))}: {value:.2f}"
        if score.reasoning:
            yield f"    {visible(one_line(score.reasoning, _REASON))}"
    for name, why in run.errors.items():
        why = why.removeprefix(f"judge {name!r} came to no verdict: ")
        first, *rest = why.splitlines() or [""]
        yield f"  judge {visible(name)}: no verdict: {visible(one_line(first, _REASON))}"
        yield from (f"    {visible(one_line(line, _REASON))}" for line in rest[:_LINES])


def _more(score: JudgeResult) -> str:
    spread = "" if score.spread is None else f"  {len(score.scores)} verdicts, spread {score.spread:.2f}"
    unknown = score.cost_usd is None
    cost = f"  {dollars(score.cost_usd or 0.0, int(unknown))}" if unknown or score.cost_usd else ""
    return f"{spread}{cost}"


# Tables


def _tables(found: Sequence[Evaluation]) -> Iterator[str]:
    """Write a line a run when there are more runs than figures, else a column a run, as many as fit side by side."""
    judges = list(dict.fromkeys(name for run in found for name in (*_judged(run), *run.errors)))
    figures = [*found[0].metrics, *(f"judge {name}" for name in judges)]
    cells = {run.run_id: [_figure(run, name) for name in figures] for run in found}
    if len(found) > len(figures):
        rows = [
            [visible(run.run_id), visible(run.loop), run.reason or run.status, *cells[run.run_id]]
            for run in found
        ]
        yield from _aligned([["RUN", "LOOP", "END", *map(visible, figures)], *rows])
        return
    heads = ["RUN", "LOOP", "END", *map(visible, figures)]
    columns = [
        [visible(run.run_id), visible(run.loop), run.reason or run.status, *cells[run.run_id]]
        for run in found
    ]
    for number, block in enumerate(_blocks(heads, columns)):
        if number:
            yield ""
        yield from _aligned(list(map(list, zip(heads, *block, strict=True))))


def _blocks(heads: Sequence[str], columns: list[list[str]]) -> Iterator[list[list[str]]]:
    """Part columns so that each part, with the heads before it, fits the terminal; no terminal: one part."""
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10**6
    left = room - max(map(len, heads))
    block: list[list[str]] = []
    for column in columns:
        wide = 2 + max(map(len, column))
        if block and left < wide:
            yield block
            block, left = [], room - max(map(len, heads))
        block.append(column)
        left -= wide
    yield block


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _judged(run: Evaluation) -> dict[str, JudgeResult]:
    return {score.judge_name: score for score in run.scores}


def _figure(run: Evaluation, name: str) -> str:
    judge = name.removeprefix("judge ")
    if judge == name:
        return _cell(run, name)
    score = _judged(run).get(judge)
    if score is not None:
        return f"{score.score:.2f} {'pass' if score.passed else 'FAIL'}"
    return "no verdict" if judge in run.errors else "-"


def _cell(run: Evaluation, name: str) -> str:
    """Write one metric; a known cost is a lower bound when there are unknown ones."""
    if name in run.metrics.errors:
        return "failed"
    value = run.metrics[name]
    if name == "cost_usd" and run.unknown_costs:
        return f"at least ${value:.4f}" if isinstance(value, int | float) else "unknown"
    return _value(value, run.metrics.units.get(name, ""))


def _value(value: MetricValue, unit: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return visible(one_line(value))
    if unit == "seconds" and value >= 0:
        return f"{value * 1000:.1f}ms" if value < _MS else duration(value, fine=True)
    if unit == "share":
        return f"{value:.1%}"
    if unit == "usd":
        return f"${value:.4f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
