"""Each rule for judges, metrics, gates and stop conditions is broken by a component that is broken so."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from loopengt.testing import GateContract, JudgeContract, MetricContract, StopConditionContract
from loopengt_hookspecs.errors import JudgeError, UsageError
from loopengt_hookspecs.gates import GateVerdict
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import End, EndReason

from .biting import Case, all_are_rules, bite, changed, each_rule


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    word: str = "please"


class Open(BaseModel):
    word: str = "please"


class Polite:
    options = Options
    asks = False

    def bind(self, spec: Any, project: Path) -> Any:
        self.project = project
        return self

    def plan(self) -> str:
        return "look for please"

    def missing(self) -> list[Any]:
        return []

    async def judge(self, request: Any) -> JudgeVerdict:
        return JudgeVerdict(1.0 if "please" in str(request.output) else 0.0)


class Asking(Polite):
    asks = True

    async def judge(self, request: Any) -> JudgeVerdict:
        answer = await request.ask(
            "score it", schema={"type": "object", "required": ["score"], "properties": SCORE}
        )
        return JudgeVerdict(answer["score"])


SCORE = {"score": {"type": "number", "minimum": 0, "maximum": 1}}


async def _judged_badly(self: Any, request: Any) -> Any:
    return JudgeVerdict(7.0)


async def _asks_in_secret(self: Any, request: Any) -> Any:
    await request.ask("how is it?")
    return JudgeVerdict(1.0)


async def _trusts_text(self: Any, request: Any) -> Any:
    return JudgeVerdict(1.0 if "please" in request.output.lower() else 0.0)


async def _forgives(self: Any, request: Any) -> Any:
    try:
        await request.ask("how is it?")
    except Exception:
        return JudgeVerdict(1.0)
    return JudgeVerdict(1.0)


async def _sorts(self: Any, request: Any) -> Any:
    if isinstance(request.output, dict) and "list" in request.output:
        request.output["list"].sort()
    return JudgeVerdict(1.0)


async def _is_random(self: Any, request: Any) -> Any:
    return JudgeVerdict(random.random())


def _writes_plan(self: Any) -> str:
    (self.project / "plan.txt").write_text("a plan")
    return "a plan"


JUDGE = Case(
    JudgeContract,
    changed(Polite) | {"good": ["yes please"], "bad": ["do it"]},
    {
        "its_options_are_a_closed_model": changed(Polite, options=Open),
        "it_says_whether_it_asks": changed(Polite, judge=_asks_in_secret),
        "plan_and_missing_do_nothing": changed(Polite, plan=_writes_plan),
        "scores_are_in_range": changed(Polite, judge=_judged_badly),
        "good_passes_and_bad_does_not": {"bad": ["please, no"]},
        "hostile_outputs_give_a_verdict_or_an_error": changed(Polite, judge=_trusts_text),
        "an_agent_that_fails_is_no_score": changed(Polite, asks=True, judge=_forgives),
        "the_request_stays_as_it_is": changed(Polite, judge=_sorts),
        "the_same_request_gives_the_same_score": changed(Polite, judge=_is_random),
    },
)
ASKING = Case(JudgeContract, changed(Asking) | {"good": ["a"], "bad": ["b"]}, JUDGE.broken)


class Handoffs:
    unit = ""
    better = None

    def measure(self, run: Any) -> Any:
        return sum(event.type == "step.start" for event in run.events)


def _counts_calls(self: Any, run: Any) -> int:
    self.calls = getattr(self, "calls", 0) + 1
    return int(self.calls)


def _clears(self: Any, run: Any) -> int:
    run.events.clear() if isinstance(run.events, list) else None
    return 0


def _starts_a_program(self: Any, run: Any) -> int:
    return subprocess.run(["true"], check=True).returncode


METRIC = Case(
    MetricContract,
    changed(Handoffs),
    {
        "unit_and_direction_are_known": changed(Handoffs, unit="bananas"),
        "a_finished_run_has_a_figure": changed(Handoffs, measure=lambda self, run: [1]),
        "a_run_that_goes_on_has_a_figure": changed(Handoffs, measure=lambda self, run: run.events[-1].at),
        "a_damaged_run_has_a_figure": changed(Handoffs, measure=lambda self, run: len(run.spec.steps)),
        "events_of_agents_do_no_harm": changed(
            Handoffs, measure=lambda self, run: sum(len(event.data.get("value", "")) for event in run.events)
        ),
        "a_share_is_a_share": changed(Handoffs, unit="share", measure=lambda self, run: 3.5),
        "the_same_run_gives_the_same_figure": changed(Handoffs, measure=_counts_calls),
        "the_run_stays_as_it_is": changed(Handoffs, measure=_clears),
        "it_neither_blocks_nor_waits": changed(Handoffs, measure=_starts_a_program),
    },
)


class Short:
    pure = True

    def bind(self, gate: Any, project: Path) -> Any:
        self.project = project
        return self

    def plan(self) -> str:
        return "count the letters"

    def missing(self) -> list[Any]:
        return []

    async def check(self, request: Any) -> Any:
        passed = isinstance(request.result.output, str) and len(request.result.output) < 6
        return GateVerdict(passed, "" if passed else "make it shorter")


async def _truthy(self: Any, request: Any) -> Any:
    return GateVerdict(request.result.output)


async def _empties(self: Any, request: Any) -> Any:
    if isinstance(request.result.output, dict):
        request.result.output.clear()
    return GateVerdict(True)


async def _flips(self: Any, request: Any) -> Any:
    self.flipped = not getattr(self, "flipped", False)
    return GateVerdict(self.flipped)


async def _fails_when_crowded(self: Any, request: Any) -> Any:
    self.inside = getattr(self, "inside", 0) + 1
    await asyncio.sleep(0.01)
    alone = self.inside == 1
    self.inside -= 1
    return GateVerdict(alone)


async def _clings(self: Any, request: Any) -> Any:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return GateVerdict(True)


async def _bad_without_words(self: Any, request: Any) -> Any:
    return GateVerdict(False)


async def _nothing(self: Any, request: Any) -> Any:
    return None if request.result.error else GateVerdict(True)


async def _silent_error(self: Any, request: Any) -> Any:
    raise ValueError


def _changes_declaration(self: Any, gate: Any, project: Path) -> Any:
    gate.metadata["bound"] = True
    return self


GATE = Case(
    GateContract,
    changed(Short) | {"good": ["short"], "bad": ["far too long"]},
    {
        "plan_and_missing_do_nothing": changed(Short, plan=_writes_plan),
        "it_says_whether_it_is_pure": changed(Short, pure="yes"),
        "good_passes_and_bad_does_not": changed(Short, check=_bad_without_words) | {"good": [], "bad": ["x"]},
        "hostile_outputs_give_a_verdict_or_an_error": changed(Short, check=_silent_error),
        "a_result_that_failed_does_not_pass_by_accident": changed(Short, check=_nothing),
        "the_request_stays_as_it_is": changed(Short, check=_empties),
        "a_pure_gate_is_pure": changed(Short, check=_flips),
        "checks_may_run_at_once": changed(Short, check=_fails_when_crowded),
        "it_is_cancelled_in_time": changed(Short, check=_clings),
        "binding_leaves_the_project_alone": changed(Short, bind=_changes_declaration),
    },
)


class Tokens:
    """Ends a run after so many tokens."""

    def bind(self, condition: Any, spec: Any) -> Any:
        if (
            not isinstance(condition.value, int | float)
            or isinstance(condition.value, bool)
            or condition.value < 0
        ):
            raise UsageError("value is not a number of tokens")
        return type(self).Rule(condition.value)

    class Rule:
        """The bound condition."""

        def __init__(self, limit: float) -> None:
            self.limit = limit

        def check(self, progress: Any) -> Any:
            return End(EndReason.EXHAUSTED, "too many tokens") if progress.tokens >= self.limit else None


def _rule_with(**attributes: Any) -> dict[str, Any]:
    """Return the suite's attributes for a kind whose rule is another."""
    return changed(Tokens, Rule=type("Rule", (Tokens.Rule,), attributes))


def _once_only(self: Any, progress: Any) -> Any:
    self.asked = getattr(self, "asked", 0) + 1
    return End(EndReason.STOPPED, "asked often") if self.asked > 2 else None


def _slowly(self: Any, progress: Any) -> Any:
    time.sleep(0.002)


def _binds_anything(self: Any, condition: Any, spec: Any) -> Any:
    return Tokens.Rule(7)


def _binds_clumsily(self: Any, condition: Any, spec: Any) -> Any:
    return Tokens.Rule(int(condition.value))


def _binds_and_writes(self: Any, condition: Any, spec: Any) -> Any:
    subprocess.run(["true"], check=True)
    return Tokens.Rule(7)


STOP = Case(
    StopConditionContract,
    changed(Tokens) | {"value": 9, "holds": {"tokens": 9}, "holds_not": {"tokens": 8}, "refused": ["many"]},
    {
        "binding_does_nothing": changed(Tokens, bind=_binds_and_writes),
        "a_run_that_goes_on_goes_on": _rule_with(check=lambda self, progress: End(EndReason.STOPPED, "now")),
        "a_run_that_is_to_end_ends": _rule_with(check=lambda self, progress: None),
        "odd_outputs_do_no_harm": _rule_with(
            check=lambda self, progress: len(progress.last_output) > 3 or None
        ),
        "it_keeps_no_state_of_a_run": _rule_with(check=_once_only),
        "checking_is_cheap": _rule_with(check=_slowly),
        "values_that_do_not_fit_are_refused": changed(Tokens, bind=_binds_anything),
        "odd_values_are_refused_or_bound": changed(Tokens, bind=_binds_clumsily),
    },
)

CASES = [JUDGE, METRIC, GATE, STOP]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)


@pytest.mark.parametrize("rule", ["test_scores_are_in_range", "test_the_same_request_gives_the_same_score"])
def test_a_judge_that_asks_passes(rule: str, tmp_path: Path) -> None:
    """An agent stands in that answers as the schema wants."""
    ASKING.run(rule, tmp_path, broken=False)


def test_a_judge_that_makes_up_a_score_fails(tmp_path: Path) -> None:
    """Other errors than those of the contract break a rule, too."""

    async def breaks(self: Any, request: Any) -> Any:
        raise KeyError("score")

    case = Case(JudgeContract, changed(Polite, judge=breaks), {})
    with pytest.raises(AssertionError, match="KeyError"):
        case.run("test_scores_are_in_range", tmp_path, broken=False)


def test_judges_may_have_no_verdict(tmp_path: Path) -> None:
    """A ``JudgeError`` is an answer that the contract knows."""

    async def declines(self: Any, request: Any) -> Any:
        raise JudgeError("there is _nothing expected")

    Case(JudgeContract, changed(Polite, judge=declines), {}).run(
        "test_scores_are_in_range", tmp_path, broken=False
    )
