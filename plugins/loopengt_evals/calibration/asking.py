"""Asks a judge about labelled outputs, several at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loopengt.errors import LoopengtError
from loopengt.judging import Subject
from loopengt.redaction import Redactor
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import JudgeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loopengt import Kernel
    from loopengt.judging import BoundJudge
    from loopengt_evals.calibration.keeping import Kept
    from loopengt_evals.calibration.labels import Label

__all__ = ["Asked", "ask_all"]


@dataclass(slots=True)
class Asked:
    """What a judge said."""

    verdicts: dict[str, JudgeResult] = field(default_factory=dict)
    """By id of the label."""
    errors: dict[str, str] = field(default_factory=dict)
    """Why there is no verdict, by id of the label."""
    kept: int = 0
    """Verdicts that were there before."""
    tokens: int = 0
    """Tokens of the verdicts that were asked for now."""
    cost_usd: float = 0.0
    """What is known of their cost."""
    unknown_costs: int = 0


async def ask_all(
    kernel: Kernel,
    judge: BoundJudge,
    rows: Sequence[Label],
    kept: Kept,
    *,
    concurrency: int,
    told: Callable[[int], None],
) -> Asked:
    """Ask a judge about each row that it has not judged before.

    Args:
        kernel: The project.
        judge: The judge.
        rows: The labels.
        kept: Verdicts that are there, to which the new ones are added at once.
        concurrency: How many are asked at the same time.
        told: Is told how many rows are done.

    Raises:
        MissingRequirement: The judge, or its agent, lacks something; what was said before is kept.
    """
    found = Asked()
    slots = asyncio.Semaphore(concurrency)
    redactor = Redactor.of_project(kernel, kernel.environ)
    # Rows that tell the judge the same have one verdict.
    alike: dict[str, list[Label]] = {}
    for row in rows:
        alike.setdefault(row.digest, []).append(row)

    async def one(digest: str, same: list[Label]) -> None:
        verdict = kept.verdicts.get(digest)
        if verdict is not None:
            found.kept += len(same)
        else:
            async with slots:
                verdict = await _verdict(judge, same[0], found, same, redactor)
            if verdict is not None:
                kept.add(digest, verdict)
        if verdict is not None:
            found.verdicts |= dict.fromkeys((row.id for row in same), verdict)
        told(len(found.verdicts) + len(found.errors))

    try:
        async with asyncio.TaskGroup() as group:
            for digest, same in alike.items():
                group.create_task(one(digest, same))
    except BaseExceptionGroup as exc:
        raise exc.exceptions[0] from None
    return found


async def _verdict(
    judge: BoundJudge, row: Label, found: Asked, same: Sequence[Label], redactor: Redactor
) -> JudgeResult | None:
    """Return what the judge says, without secrets; None: why it says nothing is noted.

    Raises:
        MissingRequirement: It lacks something, for all rows alike.
    """
    subject = Subject(
        goal=row.goal,
        output=row.output,
        expected=row.expected,
        other=row.other,
        scope=lambda: {"output": row.output, "expected": row.expected, "goal": row.goal},
    )
    try:
        verdict = await judge.score(subject)
    except MissingRequirement:
        raise
    except Exception as exc:  # one that fails must not take the others with it
        why = str(exc) if isinstance(exc, LoopengtError) else f"{type(exc).__name__}: {exc}"
        why = redactor.text(why.removeprefix(f"judge {judge.name!r} came to no verdict: "))
        found.errors |= dict.fromkeys((each.id for each in same), why)
        return None
    found.tokens += sum(verdict.token_usage.values())
    found.cost_usd += verdict.cost_usd or 0.0
    found.unknown_costs += verdict.cost_usd is None
    if not redactor.active:
        return verdict
    return JudgeResult.model_validate_json(redactor.encoded(verdict.model_dump_json().encode()))
