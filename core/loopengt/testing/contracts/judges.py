"""The suite that every judge passes; a judge's author subclasses it in a test module.

::

    from loopengt.testing import JudgeContract

    class TestPolite(JudgeContract):
        good = ["please do"]
        bad = ["do it"]

        def make(self, folder):
            return Polite()
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import (
    Contract,
    caught_async,
    guarded,
    quick,
    require,
    requirements,
    rule,
    skip,
    still,
    whole_line,
)
from loopengt.testing.contracts.data import HOSTILE, example_of, fault_in
from loopengt.testing.contracts.options import check_model, fitting_options
from loopengt_hookspecs.errors import AgentError, JudgeError
from loopengt_hookspecs.judges import JudgeRequest, JudgeVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.judges import Judge, JudgeKind

__all__ = ["JudgeContract", "JudgeSample"]

THRESHOLD = 0.5


@dataclass(frozen=True)
class JudgeSample:
    """Something to judge."""

    output: Any
    expected: Any = None
    other: Any = None
    goal: str = "Do it well."
    inputs: Mapping[str, Any] = field(default_factory=dict)
    answer: Any = None
    """What the agent answers, of a judge that asks one; None: an example that fits the schema."""


class _Asking:
    """Stands in for the agent."""

    def __init__(self, answer: Any = None, *, high: bool = True, error: Exception | None = None) -> None:
        self.prompts: list[str] = []
        self._answer, self._high, self._error = answer, high, error

    async def __call__(
        self, prompt: str, *, system_prompt: str = "", schema: Mapping[str, Any] | None = None
    ) -> Any:
        self.prompts.append(prompt)
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        if self._answer is not None:
            return copy.deepcopy(self._answer)
        return example_of(dict(schema), high=self._high) if schema is not None else "It is fine."


class JudgeContract(Contract):
    """Every rule of ``loopengt_hookspecs.judges.JudgeKind`` as a test.

    Override ``make(self, folder: Path) -> JudgeKind``, and give samples.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    """Options of the declaration; those that its model requires and that are not given are made up."""
    good: ClassVar[Sequence[Any]] = ()
    """What is to pass: outputs, or ``JudgeSample`` where a judge needs more. The threshold is 0.5."""
    bad: ClassVar[Sequence[Any]] = ()
    """What is not to pass."""

    @rule
    def test_its_options_are_a_closed_model(self, kind: JudgeKind, folder: Path) -> None:
        """The options are None or a pydantic model that takes the samples and refuses unknown keys."""
        check_model(kind.options, fitting_options(kind.options, self.options), "the judge")

    @rule
    def test_it_says_whether_it_asks(self, kind: JudgeKind, folder: Path) -> None:
        """``asks`` is a bool, and a judge that says no asks no agent."""
        require(isinstance(kind.asks, bool), f"asks is {kind.asks!r}", "Make it True or False.")
        judge = self._bound(kind, folder)
        for sample in self._samples():
            asking = _Asking(sample.answer)
            asyncio.run(_silently(judge, _request(sample, asking)))
            require(
                kind.asks or not asking.prompts,
                "asks is False, and the judge asked an agent",
                "Set asks = True, so that an agent is bound and what it costs is counted.",
            )

    @rule
    def test_plan_and_missing_do_nothing(self, kind: JudgeKind, folder: Path) -> None:
        """``bind``, ``plan`` and ``missing`` are quick, touch nothing, and answer in the promised form."""
        with still("bind or plan", folder), quick("bind and plan"), guarded("plan()"):
            judge = self._bound(kind, folder)
            plan = judge.plan()
        with still("missing()", folder, looking=True), quick("missing()"), guarded("missing()"):
            missing = judge.missing()
        whole_line(plan, "plan()")
        requirements(missing, "missing()")

    @rule
    async def test_scores_are_in_range(self, kind: JudgeKind, folder: Path) -> None:
        """A verdict is a ``JudgeVerdict`` with score and criteria from 0 to 1 and details that are JSON data."""
        judge = self._bound(kind, folder)
        for high in (True, False):
            for sample in self._samples():
                verdict = await _verdict(judge, _request(sample, _Asking(sample.answer, high=high)))
                if verdict is not None:
                    _check(verdict, sample.output)

    @rule
    async def test_good_passes_and_bad_does_not(self, kind: JudgeKind, folder: Path) -> None:
        """Every good sample passes the threshold, and no bad one does."""
        if not (self.good or self.bad):
            skip("give the suite good = [...] and bad = [...]")
        judge = self._bound(kind, folder)
        for samples, wanted in ((self.good, True), (self.bad, False)):
            for sample in map(_sample, samples):
                with guarded(f"judging {sample.output!r:.80}"):
                    verdict = await judge.judge(_request(sample, _Asking(sample.answer, high=wanted)))
                _check(verdict, sample.output)
                passed = verdict.score >= THRESHOLD if verdict.passed is None else verdict.passed
                require(
                    passed is wanted,
                    f"{sample.output!r:.80} {'passed' if passed else 'did not pass'}: score {verdict.score}",
                    "Mend the judge, or the sample.",
                )

    @rule
    async def test_hostile_outputs_give_a_verdict_or_an_error(self, kind: JudgeKind, folder: Path) -> None:
        """Whatever the output is, there is a sound verdict, or a ``JudgeError`` that says why there is none."""
        judge = self._bound(kind, folder)
        for base in self._samples()[:1]:
            for output in HOSTILE:
                sample = JudgeSample(output, base.expected, base.other, base.goal, base.inputs, base.answer)
                verdict = await _verdict(judge, _request(sample, _Asking(sample.answer)))
                if verdict is not None:
                    _check(verdict, output)

    @rule
    async def test_an_agent_that_fails_is_no_score(self, kind: JudgeKind, folder: Path) -> None:
        """Where the agent fails, or its answer cannot be read, the judge raises an error and gives no score."""
        judge = self._bound(kind, folder)
        failures: list[Exception] = [JudgeError("the answer is not JSON"), AgentError("it is not there")]
        for error in failures:
            for sample in self._samples():
                asking = _Asking(error=error)
                raised = await caught_async(judge.judge(_request(sample, asking)))
                require(
                    not asking.prompts or isinstance(raised, JudgeError | AgentError),
                    f"the agent raised {type(error).__name__}, and the judge "
                    + ("gave a verdict" if raised is None else f"raised {type(raised).__name__}: {raised}"),
                    "Let the error pass: a judge fails closed.",
                )

    @rule
    async def test_the_request_stays_as_it_is(self, kind: JudgeKind, folder: Path) -> None:
        """Output, expected, other and inputs of a request are the same after it."""
        judge = self._bound(kind, folder)
        mutable = [
            JudgeSample({"list": [3, 1, 2], "text": " x "}, {"list": [1]}, ["other"], inputs={"k": [1]})
        ]
        for sample in [*self._samples(), *mutable]:
            request = _request(copy.deepcopy(sample), _Asking(sample.answer))
            await _silently(judge, request)
            after = (request.output, request.expected, request.other, request.inputs)
            require(
                after == (sample.output, sample.expected, sample.other, sample.inputs),
                f"judging {sample.output!r:.80} changed the request to {after!r:.200}",
                "Copy what you change.",
            )

    @rule
    async def test_the_same_request_gives_the_same_score(self, kind: JudgeKind, folder: Path) -> None:
        """Asked again, by itself or many times at once, a judge scores the same as long as its agent says the same."""
        judge = self._bound(kind, folder)
        samples = self._samples()
        alone = [await _score(judge, sample) for sample in samples]
        again = [await _score(judge, sample) for sample in reversed(samples)][::-1]
        require(alone == again, f"the scores were {alone}, then {again}", "Score from the request alone.")
        together = await asyncio.gather(*(_score(judge, sample) for sample in samples * 4))
        require(
            list(together) == alone * 4,
            f"the scores were {alone} one by one, and {together[: len(alone)]} at once",
            "Keep nothing of a request on the judge: many are judged at the same time.",
        )

    # Inside

    def _bound(self, kind: JudgeKind, folder: Path) -> Judge:
        from loopengt_hookspecs.models import JudgeSpec

        options = fitting_options(kind.options, self.options)
        if kind.options is not None:
            options = kind.options.model_validate(options).model_dump()
        with guarded("bind()"):
            return kind.bind(JudgeSpec(kind="under_test", options=options), folder)

    def _samples(self) -> list[JudgeSample]:
        given = [_sample(sample) for sample in (*self.good, *self.bad)]
        return given or [
            JudgeSample("some text", "some text", "another text"),
            JudgeSample({"n": 1}, {"n": 2}, {}),
        ]


def _sample(value: Any) -> JudgeSample:
    return value if isinstance(value, JudgeSample) else JudgeSample(value)


def _request(sample: JudgeSample, asking: _Asking) -> JudgeRequest:
    names = {"output": sample.output, "expected": sample.expected, "context": dict(sample.inputs)}
    names |= {"result": {"output": sample.output}, "steps": {}, "run": {}}
    return JudgeRequest(
        goal=sample.goal,
        output=sample.output,
        ask=asking,
        threshold=THRESHOLD,
        expected=sample.expected,
        other=sample.other,
        inputs=sample.inputs,
        scope=lambda: names,
    )


async def _verdict(judge: Judge, request: JudgeRequest) -> JudgeVerdict | None:
    """Return the verdict, or None where the judge says in the promised way that there is none."""
    try:
        with guarded(f"judging {request.output!r:.80}", JudgeError, AgentError, remedy="Raise JudgeError."):
            return await judge.judge(request)
    except (JudgeError, AgentError):
        return None


async def _silently(judge: Judge, request: JudgeRequest) -> None:
    await caught_async(judge.judge(request))


async def _score(judge: Judge, sample: JudgeSample) -> float | None:
    verdict = await _verdict(judge, _request(sample, _Asking(sample.answer)))
    return None if verdict is None else verdict.score


def _check(verdict: Any, output: Any) -> None:
    of = f"of {output!r:.80}"
    require(
        isinstance(verdict, JudgeVerdict),
        f"the verdict {of} is a Python {type(verdict).__name__}",
        "Return a JudgeVerdict.",
    )
    require(
        isinstance(verdict.criteria, dict), f"the criteria {of} are {verdict.criteria!r}", "Make them a dict."
    )
    for name, score in {"the score": verdict.score, **verdict.criteria}.items():
        number = isinstance(score, int | float) and not isinstance(score, bool)
        require(
            number and isfinite(score) and 0 <= score <= 1,
            f"{name} {of} is {score!r}",
            "Give a number from 0 to 1, or raise JudgeError.",
        )
    require(
        verdict.passed in (True, False, None),
        f"passed {of} is {verdict.passed!r}",
        "Say True, False or None.",
    )
    for name, text in (("reasoning", verdict.reasoning), ("raw_output", verdict.raw_output)):
        require(isinstance(text, str), f"{name} {of} is {text!r:.80}", "Make it text.")
    fault = fault_in(verdict.details, "details")
    require(not fault, f"{fault} in the verdict {of}", "Put JSON data there.")
