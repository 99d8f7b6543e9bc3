"""Writes what judges said."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from loopengt.display import duration, first_line, spent, visible

if TYPE_CHECKING:
    from loopengt.story import Score

__all__ = ["score_facts", "score_lines"]

Branch: TypeAlias = "tuple[str, list[Branch]]"

_LONGEST = 160
_MOST_CRITERIA = 20


def score_facts(score: Score) -> str:
    """Return the figures of a verdict on one line."""
    facts = [f"{score.score:.2f}"]
    if score.threshold is not None:
        facts.append(f"of at least {score.threshold:.2f}")
    if len(score.scores) > 1:
        facts.append(f"{len(score.scores)} times, {min(score.scores):.2f} to {max(score.scores):.2f}")
    if score.spread is not None:
        facts.append(f"spread {score.spread:.2f}")
    return ", ".join(facts)


def score_lines(score: Score, *, of_step: bool = False) -> list[Branch]:
    """Return a verdict as a branch of a tree, its reasons and criteria below it.

    Args:
        score: The verdict.
        of_step: Say which step's result was judged.
    """
    verdict = "pass" if score.passed else "FAIL"
    facts = [score_facts(score)]
    if score.seconds:
        facts.append(duration(score.seconds, fine=True))
    facts += spent(score.tokens, score.cost_usd)
    of = f" on {visible(score.step)}" if of_step and score.step else ""
    below: list[Branch] = []
    if score.reasoning.strip():
        below.append((first_line(score.reasoning, _LONGEST), []))
    shown = list(score.criteria.items())
    below += [(f"{first_line(name, 60)}  {value:.2f}", []) for name, value in shown[:_MOST_CRITERIA]]
    if len(shown) > _MOST_CRITERIA:
        below.append((f"and {len(shown) - _MOST_CRITERIA} more criteria", []))
    return [(f"judge {visible(score.judge)}{of} {verdict}  {' · '.join(facts)}", below)]
