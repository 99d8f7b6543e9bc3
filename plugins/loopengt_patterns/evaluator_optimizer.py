"""The pattern ``evaluator_optimizer``: the first step judges, the others improve, until the judge is satisfied."""

from __future__ import annotations

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import End, EndReason
from loopengt_hookspecs.patterns import Run
from loopengt_patterns.ordering import in_order, needed_by
from loopengt_patterns.verdicts import feedback_of, quality_threshold, read_verdict

__all__ = ["evaluator_optimizer"]


async def evaluator_optimizer(run: Run) -> End | None:
    """Judge, and improve until the judge is satisfied.

    It is when its output says ``passed`` or ``approved``, or else has a ``score`` or ``quality`` of at least the value
    of the stop condition ``quality_threshold``, default 0.8. An output that says neither fails the run, as does a
    judge that fails or is skipped.

    All other steps improve, in order, with the judge's words as ``{feedback}``. Those that the judge depends on are
    also taken once before it first judges, so that there is something to judge. A failed step ends the run;
    without ``policy.fail_fast`` what depends on it is skipped, and the judge judges again.

    Raises:
        UsageError: The loop has fewer than two steps.
    """
    judge, *others = run.spec.steps
    if not others:
        raise UsageError(
            f"loop {run.spec.name!r} has one step, but the pattern evaluator_optimizer needs two",
            remedy="Add a second step, which improves what the first one judges.",
        )
    tolerate = not run.spec.policy.fail_fast
    threshold = quality_threshold(run.spec)
    improvers = in_order(others)
    lap = 1
    for step in needed_by(judge, others, ()):
        await run.step(step, names={"lap": lap}, tolerate=tolerate)
    while True:
        outcome = await run.step(judge, names={"lap": lap})
        if outcome.skipped:
            return End(EndReason.FAILED, f"step {judge.name!r}, which judges, was skipped")
        verdict = read_verdict(outcome.output, threshold)
        if verdict is None:
            return End(
                EndReason.FAILED,
                f"step {judge.name!r} judges, but its output has none of passed, approved, score, quality",
            )
        accepted, why = verdict
        if accepted:
            return End(EndReason.GOAL_MET, f"step {judge.name!r} is satisfied: {why}")
        for step in improvers:
            await run.step(step, feedback=feedback_of(outcome.output), names={"lap": lap}, tolerate=tolerate)
        lap += 1
