"""The suite that every kind of stop condition passes; its author subclasses it in a test module.

::

    from loopengt.testing import StopConditionContract

    class TestManyTokens(StopConditionContract):
        value = 1000
        holds = {"tokens": 1000}
        holds_not = {"tokens": 999}
        refused = ["many", -1]

        def make(self, folder):
            return ManyTokens()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import Contract, caught, guarded, quick, require, rule, skip, still
from loopengt.testing.contracts.data import HOSTILE
from loopengt_hookspecs.errors import LoopengtError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.models import End, LoopState
    from loopengt_hookspecs.stop_conditions import StopConditionKind, StopRule

__all__ = ["ProgressSample", "StopConditionContract"]


@dataclass
class ProgressSample:
    """Implements ``loopengt_hookspecs.stop_conditions.Progress``; what is not given is as at a run's beginning."""

    turn: int = 0
    elapsed: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    added: Mapping[str, float] = field(default_factory=dict)
    goal_reached: bool = False
    failed_gates: tuple[str, ...] = ()
    last_output: Any = None
    names: Mapping[str, Any] = field(default_factory=dict)
    """Further names for expressions."""

    @property
    def state(self) -> LoopState:
        """A state without steps."""
        from loopengt_hookspecs.models import LoopState

        return LoopState(run_id="run-1", loop_name="demo", turn=self.turn)

    def scope(self) -> Mapping[str, Any]:
        """The names that expressions see."""
        run = {"turn": self.turn, "elapsed": self.elapsed, "tokens": self.tokens, "cost_usd": self.cost_usd}
        scope = {"output": self.last_output, "result": None, "steps": {}, "context": {}, "run": run}
        return MappingProxyType(scope | dict(self.names))


class StopConditionContract(Contract):
    """Every rule of ``loopengt_hookspecs.stop_conditions`` as a test.

    Override ``make(self, folder: Path) -> StopConditionKind``, and give samples.
    """

    value: ClassVar[Any] = None
    """``value`` of the condition in a spec."""
    holds: ClassVar[Mapping[str, Any] | None] = None
    """Fields of ``ProgressSample`` of a run that is to end; None: the suite cannot make one."""
    holds_not: ClassVar[Mapping[str, Any]] = {}
    """Fields of one that is to go on."""
    refused: ClassVar[Sequence[Any]] = ()
    """Values that the kind does not take."""

    def occur(self, folder: Path) -> None:
        """Make the condition hold that looks at something outside the run, such as a file of the project."""

    @rule
    def test_binding_does_nothing(self, kind: StopConditionKind, folder: Path) -> None:
        """``bind`` is quick, touches nothing, and the rule has a sound time limit, if any, and a sound ``polled``."""
        with still("bind()", folder), quick("bind()"):
            bound = self._bound(kind)
        limit = getattr(bound, "time_limit", None)
        number = isinstance(limit, int | float) and not isinstance(limit, bool) and limit >= 0
        require(limit is None or number, f"time_limit is {limit!r}", "Make it a number of seconds.")
        polled = getattr(bound, "polled", False)
        require(isinstance(polled, bool), f"polled is {polled!r}", "Make it True or False.")

    @rule
    def test_a_run_that_goes_on_goes_on(self, kind: StopConditionKind, folder: Path) -> None:
        """``check`` returns None for a run at its beginning, and for one where the condition does not hold."""
        bound = self._bound(kind)
        for fields in ({}, self.holds_not):
            end = _checked(bound, ProgressSample(**fields))
            require(end is None, f"it ends a run with {dict(fields)!r}: {end}", "Return None until it holds.")

    @rule
    def test_a_run_that_is_to_end_ends(self, kind: StopConditionKind, folder: Path) -> None:
        """``check`` returns an ``End`` with a reason, and a detail for people, where the condition holds."""
        if self.holds is None:
            skip("give the suite holds = {...}, fields of a ProgressSample")
        assert self.holds is not None
        bound = self._bound(kind)
        self.occur(folder)
        end = _checked(bound, ProgressSample(**self.holds))
        require(end is not None, f"a run with {dict(self.holds)!r} goes on", "Return End(reason, detail).")
        assert end is not None
        require(
            bool(str(end.detail).strip()), "its End has no detail", "Say which condition held, for people."
        )

    @rule
    def test_odd_outputs_do_no_harm(self, kind: StopConditionKind, folder: Path) -> None:
        """Whatever the last output is, ``check`` returns an ``End`` or None."""
        bound = self._bound(kind)
        for output in HOSTILE:
            sample = ProgressSample(
                turn=1, elapsed=1.0, tokens=1, last_output=output, names={"output": output}
            )
            _checked(bound, sample)

    @rule
    def test_it_keeps_no_state_of_a_run(self, kind: StopConditionKind, folder: Path) -> None:
        """Runs of a loop share the rule, so one that ends does not end the others, and asking twice is asking once."""
        bound = self._bound(kind)
        going = ProgressSample(**self.holds_not)
        first = _checked(bound, going)
        later = ProgressSample(turn=3, elapsed=9.0, tokens=9, last_output="x", failed_gates=("g",))
        _checked(bound, later)
        if self.holds is not None:
            one, two = (_checked(bound, ProgressSample(**self.holds)) for _ in range(2))
            require(
                one == two, f"the same progress gave {one}, then {two}", "Decide from the progress alone."
            )
        again = [_checked(bound, going) for _ in range(5)]
        same = all(one == first for one in again)
        require(same, f"it said {first} at first and {again} later", "Keep nothing on the rule.")

    @rule
    def test_checking_is_cheap(self, kind: StopConditionKind, folder: Path) -> None:
        """A check takes less than 15 milliseconds: it is made before every turn."""
        bound = self._bound(kind)
        sample = ProgressSample(**self.holds_not)
        with quick("200 checks"):
            for _ in range(200):
                _checked(bound, sample)

    @rule
    def test_values_that_do_not_fit_are_refused(self, kind: StopConditionKind, folder: Path) -> None:
        """``bind`` raises ``UsageError``, or another error for people, for a value that the kind does not take."""
        if not self.refused:
            skip("give the suite refused = [...], values that the kind does not take")
        for value in self.refused:
            raised = caught(lambda value=value: self._bind(kind, value))  # type: ignore[misc] # mypy: bound default
            said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
            require(
                isinstance(raised, LoopengtError),
                f"binding the value {value!r} raised {said}",
                'Raise UsageError("what is wrong with it", remedy="…") in bind().',
            )

    @rule
    def test_odd_values_are_refused_or_bound(self, kind: StopConditionKind, folder: Path) -> None:
        """For any JSON value ``bind`` returns a rule or raises an error for people, never anything else."""
        for value in HOSTILE:
            with guarded(
                f"binding the value {value!r:.80}", remedy="Raise UsageError for what does not fit."
            ):
                try:
                    self._bind(kind, value)
                except LoopengtError:
                    continue

    # Inside

    def _bound(self, kind: StopConditionKind) -> StopRule:
        with guarded(f"binding the value {self.value!r}", remedy="Give the suite a value that fits."):
            return self._bind(kind, self.value)

    def _bind(self, kind: StopConditionKind, value: Any) -> StopRule:
        from loopengt_hookspecs.models import LoopSpec, StopCondition

        spec = LoopSpec.model_validate(
            {"name": "demo", "goal": "Show it.", "agents": [{"name": "worker"}], "steps": [_STEP]}
        )
        return kind.bind(StopCondition(condition_type="under_test", value=value), spec)


_STEP = {"name": "work", "agent": "worker"}


def _checked(bound: StopRule, sample: ProgressSample) -> End | None:
    from loopengt_hookspecs.models import End, EndReason

    with guarded(f"check() at turn {sample.turn}"):
        end = bound.check(sample)
    sound = end is None or (isinstance(end, End) and isinstance(end.reason, EndReason))
    require(sound, f"check() returned {end!r}", "Return End(EndReason.…, detail), or None to go on.")
    return end
