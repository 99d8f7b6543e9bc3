"""Gathers the outcomes of a step's instances, one for each item, into the step's own outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.patterns import GateFailure, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.journal.records import StepFold

__all__ = ["gather"]


def gather(
    name: str, instances: Sequence[StepFold], at: float, error: str | None
) -> tuple[StepOutcome, float]:
    """Return the outcome of a step with ``for_each``, and when the first of its instances began.

    Args:
        name: Name of the step.
        instances: What is known of its instances, in the order of their items; each has come out.
        at: When the last one came out, in seconds since the epoch.
        error: Why the step failed; None: it completed.
    """
    began = at
    outputs: list[Any] = []
    tokens: dict[str, int] = {}
    failures: dict[str, list[str]] = {}
    for instance in instances:
        assert instance.outcome is not None, "an instance has come out before its step is gathered"
        outputs.append(instance.outcome.output)
        for failure in instance.outcome.failures:
            failures.setdefault(failure.gate, []).append(f"{instance.outcome.step}: {failure.feedback}")
        began = min(began, instance.started_at or began)
        for kind, count in instance.outcome.token_usage.items():
            tokens[kind] = tokens.get(kind, 0) + count
    facts = {"items": len(outputs)}
    seconds = max(0.0, at - began)
    failed = tuple(GateFailure(gate, "\n".join(texts)) for gate, texts in failures.items())
    return StepOutcome(name, 1, outputs, error, failed, False, seconds, tokens, facts), began
