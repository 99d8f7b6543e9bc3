"""Evaluates one recorded run: its metrics, what judges say of it, and their verdicts in its journal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from loopengt.errors import LoopengtError, StorageCorrupt, UsageError
from loopengt.evaluating.measuring import Figures, check_metrics, measure
from loopengt.evaluating.reading import read_what_is_there
from loopengt.evaluating.subjects import subject_of
from loopengt.judging import bind_judge, record_scores
from loopengt.redaction import Redactor
from loopengt_hookspecs.models import JudgeResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from loopengt.judging import BoundJudge, Subject
    from loopengt.kernel import Kernel
    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.models import JudgeSpec
    from loopengt_hookspecs.storage import Storage

__all__ = ["Evaluation", "evaluate"]


@dataclass(slots=True)
class Evaluation:
    """What is found of one run."""

    run_id: str
    loop: str
    """Name of the loop."""
    status: str
    reason: str | None
    """Why the run rests; None: it does not."""
    unknown_costs: int = 0
    """Calls of agents whose cost nobody knows, which is missing in ``cost_usd``."""
    metrics: Figures = field(default_factory=Figures)
    """Values by name; ``metrics.errors`` tells which have failed."""
    scores: list[JudgeResult] = field(default_factory=list)
    """The verdicts, in the order of the judges."""
    errors: dict[str, str] = field(default_factory=dict)
    """Why judges came to no verdict, by their names. Such a judge has no score."""
    evaluation_id: str = ""
    """What the recorded verdicts have as ``evaluation``."""
    recorded: bool = False
    """Whether there were verdicts, and they are in the run's journal."""
    unrecorded: LoopengtError | None = None
    """Why verdicts that were to be recorded are not, such as ``RunOwned``."""
    damage: StorageCorrupt | None = None
    """Why the rest of the journal cannot be read; the metrics are those of what stands before, judges are not asked."""

    @property
    def passed(self) -> bool:
        """Whether every judge that was asked gave a verdict, and a good one."""
        return not self.errors and all(score.passed for score in self.scores)


async def evaluate(
    kernel: Kernel,
    storage: Storage,
    run_id: str,
    *,
    metrics: Iterable[str] = (),
    judges: Sequence[JudgeSpec] = (),
    expected: Any = None,
    other: Any = None,
    record: bool = True,
) -> Evaluation:
    """Evaluate a run, also one that has not ended.

    The judges are asked at the same time. What they said is recorded also when the evaluation is cancelled before all
    have answered: it was paid for.

    Args:
        kernel: The project.
        storage: Where the run is kept, opened.
        run_id: Its whole id.
        metrics: Names of metrics; empty: all.
        judges: Declarations of judges; their agents can be named as in the run's loop.
        expected: The reference that judges compare with, JSON data.
        other: Another output for the same goal, for judges that compare two.
        record: Append the verdicts to the run's journal, unless somebody drives it.

    Raises:
        RunNotFound: There is no such run.
        UsageError: There is no such metric, two judges have the same name, or a judge's options do not fit.
        ComponentNotFound: There is no such judge, or provider.
        StorageError: The run cannot be read.
    """
    wanted = check_metrics(kernel, metrics)
    run, damage = await read_what_is_there(storage, run_id)
    bound = _bind(kernel, judges, run)
    found = Evaluation(
        run_id=run_id,
        loop=run.state.loop_name,
        status=run.state.status.value,
        reason=run.state.reason,
        unknown_costs=run.unknown_costs,
        metrics=measure(kernel, run, wanted),
        damage=damage,
    )
    if damage is not None:
        found.errors = {judge.name: "the journal of the run is damaged" for judge in bound}
    elif bound:
        await _judge(kernel, storage, run, bound, found, (expected, other), record)
    return found


def _bind(kernel: Kernel, judges: Sequence[JudgeSpec], run: RecordedRun) -> list[BoundJudge]:
    agents = {} if run.spec is None else {role.name: role.config for role in run.spec.agents}
    bound = [bind_judge(kernel, spec, kernel.project, agents=agents) for spec in judges]
    names = [judge.name for judge in bound]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two judges are called {name!r}, so that nobody could tell their verdicts apart",
                remedy="Give one of them a name of its own.",
            )
    return bound


async def _judge(
    kernel: Kernel,
    storage: Storage,
    run: RecordedRun,
    judges: Sequence[BoundJudge],
    found: Evaluation,
    against: tuple[Any, Any],
    record: bool,
) -> None:
    """Ask the judges, and record what they have said."""
    try:
        subject = await subject_of(storage, run, expected=against[0], other=against[1])
    except LoopengtError as exc:
        found.errors = {judge.name: str(exc) for judge in judges}
        return
    redactor = Redactor.of_project(kernel, kernel.environ)
    verdicts: dict[str, JudgeResult | str] = {}

    async def ask(judge: BoundJudge) -> None:
        verdicts[judge.name] = await _verdict(judge, subject, redactor)

    try:
        async with asyncio.TaskGroup() as group:
            for judge in judges:
                group.create_task(ask(judge))
    finally:
        for judge in judges:
            verdict = verdicts.get(judge.name)
            if isinstance(verdict, JudgeResult):
                found.scores.append(verdict)
            elif verdict is not None:
                found.errors[judge.name] = verdict
        if record and found.scores:
            await _record(storage, found)


async def _verdict(judge: BoundJudge, subject: Subject, redactor: Redactor) -> JudgeResult | str:
    """Return what a judge says, or why it says nothing, without secrets."""
    try:
        lacking = judge.missing()
        if lacking:
            return redactor.text(str(lacking[0]))
        result = await judge.score(subject)
    except Exception as exc:  # a judge that fails must not take the verdicts of the others with it
        message = str(exc) if isinstance(exc, LoopengtError) else f"{type(exc).__name__}: {exc}"
        return redactor.text(message)
    if not redactor.active:
        return result
    return JudgeResult.model_validate_json(redactor.encoded(result.model_dump_json().encode()))


async def _record(storage: Storage, found: Evaluation) -> None:
    found.evaluation_id = f"eval-{uuid4().hex[:12]}"
    try:
        await record_scores(storage, found.run_id, found.scores, found.evaluation_id)
        found.recorded = True
    except LoopengtError as exc:
        found.unrecorded = exc
