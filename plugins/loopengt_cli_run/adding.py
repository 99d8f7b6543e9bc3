"""Reads ``--add-budget key=amount``, and says what to add to a run that is exhausted."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.engines import RunResult

__all__ = ["more_of", "read_additions"]

_KEYS = {
    "turns": "turns",
    "seconds": "seconds",
    "tokens": "tokens",
    "usd": "cost_usd",
    "cost_usd": "cost_usd",
}
_WHOLE = ("turns", "tokens")


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
