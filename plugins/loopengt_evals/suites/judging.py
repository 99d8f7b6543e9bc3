"""Has judges score a trial, and writes what they say into the journal of its run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from loopengt.errors import LoopengtError
from loopengt.evaluating import subject_of
from loopengt.judging import bind_judge, record_scores
from loopengt.redaction import Redactor
from loopengt_evals.suites.trials import Verdict
from loopengt_hookspecs.models import JudgeResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt import Kernel
    from loopengt.judging import BoundJudge, Subject
    from loopengt_evals.suites.reading import LoadedCase
    from loopengt_evals.suites.trials import Trial
    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.models import AgentConfig, JudgeSpec
    from loopengt_hookspecs.storage import Storage

__all__ = ["Judges"]


class Judges:
    """The judges of an evaluation, each bound once.

    Args:
        kernel: The project.
        agents: The agents of the loop, which judges can name.
        evaluation: Id of the evaluation.
    """

    def __init__(self, kernel: Kernel, agents: Mapping[str, AgentConfig], evaluation: str) -> None:
        self._kernel = kernel
        self._agents = agents
        self._evaluation = evaluation
        self._bound: dict[str, BoundJudge] = {}
        self._redactor = Redactor.of_project(kernel, kernel.environ)

    def bind(self, spec: JudgeSpec) -> BoundJudge:
        """Bind a judge, or return it when that was done.

        Raises:
            LoopengtError: There is no such judge, or its options do not fit.
        """
        key = spec.model_dump_json()
        if key not in self._bound:
            self._bound[key] = bind_judge(self._kernel, spec, self._kernel.project, agents=self._agents)
        return self._bound[key]

    def refuse_lacking(self) -> None:
        """Raise what this machine lacks for a judge, before a run is paid for that could not be judged.

        Raises:
            MissingRequirement: It lacks something.
        """
        for judge in self._bound.values():
            for lacking in judge.missing():
                raise lacking

    async def score(self, storage: Storage, trial: Trial, run: RecordedRun, case: LoadedCase) -> None:
        """Ask the judges of a case that have given no verdict on a trial yet; verdicts and errors go into the trial.

        Args:
            storage: Where its run is kept, opened.
            trial: The trial.
            run: Its run.
            case: The case.

        Raises:
            StorageError: The verdicts cannot be written.
        """
        open_ = [self.bind(spec) for spec in case.judges if spec.label not in trial.verdicts]
        if not open_:
            return
        try:
            subject = await subject_of(storage, run, expected=case.expected)
        except LoopengtError as exc:
            trial.error = str(exc)
            return
        results: dict[str, JudgeResult | str] = {}

        async def ask(judge: BoundJudge) -> None:
            results[judge.name] = await self._ask(judge, subject)

        try:
            async with asyncio.TaskGroup() as group:
                for judge in open_:
                    group.create_task(ask(judge))
        finally:  # what has been paid for is kept, also on the way out
            given = [result for result in results.values() if isinstance(result, JudgeResult)]
            if given:
                await record_scores(storage, trial.run_id, given, self._evaluation)
            for result in given:
                trial.verdicts[result.judge_name] = Verdict.of(result)
        for said in results.values():
            if isinstance(said, str):
                trial.error = said

    async def _ask(self, judge: BoundJudge, subject: Subject) -> JudgeResult | str:
        """Return what a judge says, or why it says nothing, without secrets."""
        try:
            lacking = judge.missing()
            if lacking:
                return self._redactor.text(f"judge {judge.name} gave no verdict: {lacking[0]}")
            result = await judge.score(subject)
        except LoopengtError as exc:
            return self._redactor.text(str(exc))
        except Exception as exc:  # one that fails must not take the verdicts of the others with it
            return self._redactor.text(f"judge {judge.name} gave no verdict: {type(exc).__name__}: {exc}")
        if not self._redactor.active:
            return result
        return JudgeResult.model_validate_json(self._redactor.encoded(result.model_dump_json().encode()))
