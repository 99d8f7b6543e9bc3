"""Writes a calibration for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import dollars, one_line, visible
from loopengt_evals.calibration.figures import FEW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_evals.calibration.asking import Asked
    from loopengt_evals.calibration.figures import Figures
    from loopengt_evals.statistics.proportions import Interval

__all__ = ["to_text"]

_SHOWN = 8
_RANK = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"), (0.0, "slight"))
"""Words of Landis and Koch."""


def to_text(
    judge: str, threshold: float, good_from: float, figures: Figures, asked: Asked, unused: Sequence[str]
) -> str:
    """Return the text.

    Args:
        judge: Its name.
        threshold: From which score it passes.
        good_from: From which label people count as having passed it.
        figures: What was computed.
        asked: What was asked.
        unused: Columns of the labels that mean nothing.
    """
    failed = len(asked.errors)
    without = f", {failed} without a verdict" if failed else ""
    lines = [
        visible(
            f"{judge}  {_count(figures.labels, 'label')} ({figures.people_passed} pass, "
            f"{figures.labels - figures.people_passed} fail){without}  threshold {threshold:g}"
        )
    ]
    if figures.labels:
        lines += ["", *_table(figures), "", *_rates(figures), *_scores(figures, good_from)]
        lines += ["", *_threshold(figures, threshold)]
    lines += _hints(figures)
    if failed:
        lines += ["", f"{failed} without a verdict, which count in no figure:", *_errors(asked)]
    if figures.wrong:
        names = ", ".join(visible(one_line(name, 40)) for name in figures.wrong[:_SHOWN])
        more = f" and {len(figures.wrong) - _SHOWN} more" if len(figures.wrong) > _SHOWN else ""
        lines += ["", f"Judged otherwise than by people: {names}{more}"]
    lines += ["", _spent(asked)]
    if unused:
        lines.append(f"Columns that play no part: {', '.join(map(visible, unused))}")
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _table(figures: Figures) -> Iterator[str]:
    table = figures.table
    yield f"  {'':12}  {'judge pass':>10}  {'judge fail':>10}"
    yield f"  {'people pass':12}  {table.pass_pass:>10}  {table.pass_fail:>10}"
    yield f"  {'people fail':12}  {table.fail_pass:>10}  {table.fail_fail:>10}"


def _rates(figures: Figures) -> Iterator[str]:
    table = figures.table
    yield _line("agreement", _percent(figures.agreement))
    if figures.kappa is None:
        yield _line("kappa", "none: people or the judge only ever say one thing")
    else:
        kappa = figures.kappa
        word = next((word for least, word in _RANK if kappa.estimate >= least), "worse than chance")
        yield _line("kappa", f"{kappa.estimate:.2f}  ({kappa.low:.2f} to {kappa.high:.2f})  {word}")
    for name, value in (
        ("precision", table.precision),
        ("recall", table.recall),
        ("specificity", table.specificity),
        ("AUC", figures.auc),
    ):
        yield _line(name, "none" if value is None else f"{value:.2f}")
    if figures.unsteady is not None:
        yield _line("unsteady", f"{figures.unsteady:.0%} of the outputs get both verdicts when asked again")


def _scores(figures: Figures, good_from: float) -> Iterator[str]:
    if figures.mean_absolute_error is None:
        return
    yield _line("label passes", f"from {good_from:g}")
    rho = figures.spearman
    yield _line(
        "Spearman", "none" if rho is None else f"{rho.estimate:.2f}  ({rho.low:.2f} to {rho.high:.2f})"
    )
    yield _line("Pearson", "none" if figures.pearson is None else f"{figures.pearson:.2f}")
    yield _line("mean error", f"{figures.mean_absolute_error:.2f}")
    if figures.mean_difference is not None:
        yield _line("mean offset", f"{figures.mean_difference:+.2f}")


def _threshold(figures: Figures, threshold: float) -> Iterator[str]:
    if figures.decides_itself:
        yield "  No threshold is suggested: the judge decides itself, and not by its score."
        return
    found = figures.suggested
    if found is None:
        yield "  No threshold is suggested: labels or scores are all the same."
        return
    now = figures.kappa.estimate if figures.kappa is not None else 0.0
    if found.kappa <= now + 1e-9:
        yield f"  The threshold {threshold:g} is as good as any on these labels."
    else:
        checked = figures.suggested_validated
        held = "" if checked is None else f", {checked:.2f} on labels held back (cross-validation)"
        yield f"  A threshold of {found.threshold:g} gives kappa {found.kappa:.2f} on these labels{held}."
        if checked is not None and checked <= now:
            yield "  Held back it is no better than the one you have: keep that, or label more."
    rarer = min(figures.people_passed, figures.labels - figures.people_passed)
    if rarer < FEW:
        yield f"  With {_count(rarer, 'label')} of the rarer kind that is a guess: label at least {FEW} of each."


def _hints(figures: Figures) -> Iterator[str]:
    table = figures.table
    if figures.leaning:
        one, other = int(table.fail_pass), int(table.pass_fail)
        told = f"it passed {one} that people failed, and failed {other} that they passed"
        yield f"  The judge is too {figures.leaning}: {told}."
    if figures.length is not None:
        which = "longer" if figures.length.estimate > 0 else "shorter"
        yield (
            f"  The judge favours {which} outputs: beside the labels its scores go with length "
            f"(rank correlation {figures.length.estimate:.2f})."
        )


def _errors(asked: Asked) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for name, why in asked.errors.items():
        reasons.setdefault(one_line(why, 200), []).append(name)
    for why, names in list(reasons.items())[:_SHOWN]:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"  {visible(', '.join(one_line(name, 40) for name in names[:3]))}{more}: {visible(why)}"


def _spent(asked: Asked) -> str:
    new = len(asked.verdicts) - asked.kept
    kept = f", {asked.kept} were there before (--fresh asks again)" if asked.kept else ""
    if not new:
        return f"No verdict was asked for{kept}"
    without = ", without what failed ones have used" if asked.errors else ""
    cost = f"{asked.tokens:,} tokens, {dollars(asked.cost_usd, asked.unknown_costs)}{without}"
    return f"{_count(new, 'new verdict')}{kept}: {cost}"


def _line(name: str, value: str) -> str:
    return f"  {name:12}  {value}"


def _percent(interval: Interval | None) -> str:
    if interval is None:
        return "none"
    return f"{interval.estimate:.0%}  ({interval.low:.0%} to {interval.high:.0%})"
