"""Decides what an evaluation consists of: a loop, the chosen cases, their judges and metrics."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import loopengt
from loopengt.errors import LoopengtError, SpecError, UsageError
from loopengt.naming import hint
from loopengt.spec import Problem, spec_digest
from loopengt_evals.suites.judging import Judges
from loopengt_evals.suites.trials import DEFAULT_METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loopengt import Kernel
    from loopengt_evals.suites.reading import LoadedCase, LoadedSuite
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["SUCCESS", "Choice", "Plan", "make_plan"]

SUCCESS = "success_rate"
"""Name of the share of trials that are a success, among thresholds."""

_JUDGE = "judge."


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person asks for beside what the suite says."""

    cases: Sequence[str] = ()
    """Ids, or patterns such as ``math-*``."""
    tags: Sequence[str] = ()
    limit: int | None = None
    repeat: int | None = None
    """Trials of every case; None: as the suite and its cases say."""
    loop: Path | None = None
    """The loop, in place of the suite's."""
    settings: Mapping[str, Any] | None = None
    """Values of the context; what a case gives counts more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An evaluation that can be run."""

    kernel: Kernel
    suite: LoadedSuite
    spec: LoopSpec
    """The loop."""
    source: Path
    """Its file."""
    cases: tuple[LoadedCase, ...]
    repeats: Mapping[str, int]
    """Trials by case."""
    settings: Mapping[str, Any]
    metrics: tuple[str, ...]
    judges: Judges
    loop_digest: str

    def only(self, repeats: Mapping[str, int]) -> Plan:
        """Return the same with these cases alone, and so many trials of each."""
        cases = {case.id: case for case in self.cases}
        return replace(self, cases=tuple(cases[name] for name in repeats), repeats=repeats)

    def header(self, evaluation: str) -> dict[str, Any]:
        """Return the header of the record."""
        return {
            "evaluation": evaluation,
            "suite": self.suite.suite.name,
            "suite_file": str(self.suite.path.resolve()),
            "suite_digest": self.suite.digest,
            "loop": self.spec.name,
            "loop_file": str(self.source),
            "loop_digest": self.loop_digest,
            "settings": dict(self.settings),
            "versions": {"loopengt": loopengt.__version__, "python": platform.python_version()},
            "level": self.suite.suite.level,
            "metrics": list(self.metrics),
            "passes": self.suite.suite.passes,
            "cases": {
                case.id: {
                    "digest": case.digest,
                    "repeat": self.repeats[case.id],
                    "judges": [judge.label for judge in case.judges],
                }
                for case in self.cases
            },
        }


def make_plan(kernel: Kernel, suite: LoadedSuite, choice: Choice, evaluation: str) -> Plan:
    """Decide what an evaluation consists of, and check that it can be run.

    Args:
        kernel: The project.
        suite: The suite.
        choice: What is asked for beside it.
        evaluation: Id of the evaluation.

    Raises:
        SpecError: The loop or the suite has problems; all of them are in ``problems``.
        UsageError: No case fits the choice.
    """
    settings = dict(choice.settings or {})
    cases = _chosen(suite.cases, choice)
    path = choice.loop or suite.loop
    loaded = kernel.load_spec(path, frozenset(settings).union(cases[0].case.inputs))
    _check_inputs(kernel, path, cases, frozenset(settings))
    judges = Judges(kernel, {role.name: role.config for role in loaded.spec.agents}, evaluation)
    problems = [*_judge_problems(cases, judges), *_name_problems(kernel, suite)]
    if problems:
        raise SpecError(problems)
    spec = _within(loaded.spec, suite.suite.timeout_seconds)
    return Plan(
        kernel=kernel,
        suite=suite,
        spec=spec,
        source=loaded.path.resolve(),
        cases=cases,
        repeats={case.id: choice.repeat or case.repeat for case in cases},
        settings=settings,
        metrics=_metrics(kernel, suite),
        judges=judges,
        loop_digest=spec_digest(spec)[:16],
    )


def _chosen(cases: Sequence[LoadedCase], choice: Choice) -> tuple[LoadedCase, ...]:
    for pattern in choice.cases:
        if not any(_fits(case.id, pattern) for case in cases):
            known = [case.id for case in cases]
            raise UsageError(f"no case is called {pattern!r}{hint(pattern, known[:300])}")
    found = [
        case
        for case in cases
        if not choice.cases or any(_fits(case.id, pattern) for pattern in choice.cases)
        if not choice.tags or set(choice.tags) & set(case.case.tags)
    ]
    if not found:
        tags = sorted({tag for case in cases for tag in case.case.tags})
        remedy = f"The suite has the tags: {', '.join(tags)}." if tags else "The suite's cases have no tags."
        raise UsageError("no case has been chosen: none has such a tag", remedy=remedy)
    return tuple(found[: choice.limit])


def _fits(case: str, pattern: str) -> bool:
    return case == pattern or fnmatchcase(case, pattern)


def _check_inputs(kernel: Kernel, path: Path, cases: Iterable[LoadedCase], settings: frozenset[str]) -> None:
    """Hold the loop against every set of names that cases give, so that a missing one is found before any run.

    Raises:
        SpecError: A prompt or condition needs a name that a case does not give.
    """
    first: dict[frozenset[str], LoadedCase] = {}
    for case in cases:
        first.setdefault(frozenset(case.case.inputs), case)
    for names, case in first.items():
        try:
            kernel.load_spec(path, settings | names)
        except SpecError as exc:
            if len(first) == 1:
                raise
            where = case.place.problem(f"with what the case {case.id!r} gives, the loop has problems")
            raise SpecError([where, *exc.problems]) from exc


def _judge_problems(cases: Iterable[LoadedCase], judges: Judges) -> Iterator[Problem]:
    said = set()
    for case in cases:
        own = len(case.judges) - len(case.case.judges)
        for index, spec in enumerate(case.judges):
            try:
                judges.bind(spec)
            except LoopengtError as exc:
                where = ("judges", index - own) if index >= own else ()
                if exc.message not in said:
                    said.add(exc.message)
                    yield case.place.problem(exc.message, exc.remedy, at=where)


def _name_problems(kernel: Kernel, suite: LoadedSuite) -> Iterator[Problem]:
    known = kernel.names("metrics")
    labels = {judge.label for case in suite.cases for judge in case.judges}
    for name in suite.suite.metrics:
        if name not in known:
            yield suite.problem(f"there is no metric {name!r}{hint(name, known)}", "metrics")
    figures = [SUCCESS, *known, *(_JUDGE + label for label in labels)]
    for name in suite.suite.thresholds:
        if name not in figures:
            yield suite.problem(f"there is no figure {name!r}{hint(name, figures)}", "thresholds", name)


def _metrics(kernel: Kernel, suite: LoadedSuite) -> tuple[str, ...]:
    """Return the metrics to measure: cost and tokens in any case, since the budget needs them."""
    known = kernel.names("metrics")
    asked = suite.suite.metrics or DEFAULT_METRICS
    limited = [name for name in suite.suite.thresholds if name in known and name != SUCCESS]
    return tuple(name for name in dict.fromkeys(("cost_usd", "tokens", *asked, *limited)) if name in known)


def _within(spec: LoopSpec, seconds: float | None) -> LoopSpec:
    """Return the loop with at most so many seconds for a run."""
    if seconds is None or seconds >= spec.policy.max_total_time_seconds:
        return spec
    policy = spec.policy.model_copy(update={"max_total_time_seconds": seconds})
    return spec.model_copy(update={"policy": policy})
