"""Reads ``--add-budget key=amount`` and ``--unknown-outcome step=word``, and says what to add to an exhausted run."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopengt_hookspecs.engines import RunResult, UnknownOutcome, UnknownOutcomes

__all__ = ["more_of", "read_additions", "read_outcomes"]

_KEYS = {
    "turns": "turns",
    "seconds": "seconds",
    "tokens": "tokens",
    "usd": "cost_usd",
    "cost_usd": "cost_usd",
}
_WHOLE = ("turns", "tokens")
_OUTCOMES: dict[str, UnknownOutcome] = {"ask": "ask", "done": "done", "retry": "retry", "fail": "fail"}


def read_additions(pairs: Iterable[str]) -> dict[str, float]:
    """Read what is to be added to a run's limits.

    Args:
        pairs: Texts of the form ``key=amount``; amounts of one key are added up.

    Raises:
        UsageError: One has no such key, or no amount above 0.
    """
    found: dict[str, float] = {}
    for pair in pairs:
        key, equals, text = (part.strip() for part in pair.partition("="))
        name = _KEYS.get(key.lower())
        if not equals or name is None:
            raise UsageError(
                f"--add-budget {pair}: there is no such budget",
                remedy="Write --add-budget KEY=AMOUNT with one of: turns, seconds, tokens, usd.",
            )
        found[name] = found.get(name, 0) + _amount(pair, text, whole=name in _WHOLE)
    return found


def read_outcomes(words: Sequence[str]) -> UnknownOutcomes:
    """Read how steps ended that were cut short: one word for the only one, or ``step=word`` for each.

    Raises:
        UsageError: A word that says nothing of the kind, or one for all beside one for a step.
    """
    found: dict[str, UnknownOutcome] = {}
    for text in words:
        step, _, word = text.rpartition("=")
        if word not in _OUTCOMES or (not step and len(words) > 1):
            raise UsageError(
                f"--unknown-outcome {text}: that does not say how a step ended",
                remedy="Write done, retry or fail; for several steps each with its name: --unknown-outcome STEP=done.",
            )
        found[step] = _OUTCOMES[word]
    return found.get("", found or "ask")


def more_of(result: RunResult) -> str:
    """Return the option that adds as much again as an exhausted run has used; empty where adding cannot help."""
    detail = result.end.detail.removeprefix("stop condition ")
    budget = detail.partition(":")[0]
    used = {
        "max_turns": f"turns={max(1, result.snapshot().turn)}",
        "time limit": f"seconds={max(1, ceil(result.elapsed))}",
        "timeout": f"seconds={max(1, ceil(result.elapsed))}",
        "budget.max_tokens": f"tokens={max(1, result.tokens)}",
        "budget.max_cost_usd": f"usd={max(0.01, ceil(result.cost_usd * 100) / 100):g}",
    }.get(budget)
    return f"--add-budget {used}" if used else ""


def _amount(pair: str, text: str, *, whole: bool) -> float:
    try:
        amount: float = int(text) if whole else float(text)
    except ValueError:
        amount = 0
    if not isfinite(amount) or amount <= 0:
        kind = "a whole number" if whole else "a number"
        raise UsageError(
            f"--add-budget {pair}: {text!r} is not {kind} above 0",
            remedy="Write for example --add-budget tokens=50000, or --add-budget usd=2.5.",
        )
    return amount
