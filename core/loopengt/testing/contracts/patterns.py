"""The suite that every pattern passes; a pattern's author subclasses it in a test module.

::

    from loopengt.testing import PatternContract

    class TestTwice(PatternContract):
        def make(self, folder):
            return twice
"""

from __future__ import annotations

import asyncio
import inspect
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

from loopengt.testing.contracts.base import Contract, caught_async, guarded, require, rule
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.pattern_run import PatternRun
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from loopengt.kernel import Kernel
    from loopengt.testing.scripted import ScriptedAgent
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.patterns import Pattern

__all__ = ["PatternContract"]

NAME = "pattern_under_test"
_SUCCESS = ("goal_met", "nothing_to_do")
_STOP = {"condition_type": "goal_met"}


class _EngineStops(Exception):
    """Stands for what an engine raises out of ``run.step`` to end or pause a run."""


class PatternContract(Contract):
    """Every rule of ``loopengt_hookspecs.patterns.Pattern`` as a test; override ``make(self, folder) -> Pattern``."""

    steps: ClassVar[Sequence[Any]] = ("first", "second", "third")
    """Names of the steps of a loop, or steps as a spec has them."""
    fields: ClassVar[Mapping[str, Any]] = {}
    """Further keys of the spec."""
    answer: ClassVar[Any] = {"passed": True, "score": 1.0, "next": None, "done": True, "text": "fine"}
    """What every agent answers. With it the loop comes to an end."""
    fewest: ClassVar[int] = 1
    """Fewest steps that a loop of this pattern may have."""

    @rule
    def test_it_is_an_async_function_of_a_run(self, pattern: Pattern, folder: Path) -> None:
        """A pattern is a coroutine function that is called with one run."""
        called = pattern if inspect.isroutine(pattern) else getattr(pattern, "__call__", pattern)  # noqa: B004
        require(
            inspect.iscoroutinefunction(called), f"{pattern!r} is no coroutine function", "Write async def."
        )
        with guarded("calling it with one argument", remedy="Take one argument, the run."):
            inspect.signature(pattern).bind(object())

    @rule
    async def test_a_loop_comes_to_its_end(self, pattern: Pattern, folder: Path) -> None:
        """A loop whose agents all do well ends, within its limits, with its goal met."""
        result = await self._run(pattern, folder)
        require(
            result.end.reason in _SUCCESS,
            f"a loop whose agents answer {self.answer!r:.80} ended {result.end.reason}: {result.end.detail}",
            "Return None or End(EndReason.GOAL_MET, …) when there is no more to do, or mend the suite's answer.",
        )

    @rule
    async def test_agents_that_fail_do_not_reach_the_goal(self, pattern: Pattern, folder: Path) -> None:
        """A loop whose agents all fail ends, and not with its goal met."""
        from loopengt_hookspecs.errors import AgentError

        result = await self._run(pattern, folder, AgentError("the service is down", kind="Broken"))
        met = result.end.reason in _SUCCESS
        require(
            not met, f"it ended {result.end.reason}", "Do not return an End that the steps do not bear out."
        )

    @rule
    async def test_odd_outputs_are_survived(self, pattern: Pattern, folder: Path) -> None:
        """Whatever agents answer, the run ends within its limits, without an error of the pattern's own."""
        for number, odd in enumerate(
            (None, "", "some text", 0, [], {}, {"score": "high", "next": 7}, [{"a": [None]}])
        ):
            place = folder / str(number)
            place.mkdir()
            result = await self._run(pattern, place, answer=odd)
            detail = str(result.end.detail)
            broken = any(f"{name}:" in detail for name in _BUGS)
            require(not broken, f"with the output {odd!r} it raised {detail}", "Read outputs with care.")

    @rule
    async def test_the_same_outcomes_ask_for_the_same_steps(self, pattern: Pattern, folder: Path) -> None:
        """Called again, at another time and with other luck, it asks for the same steps in the same order."""
        asked = []
        for seed, now in ((5, 1000.0), (11, 5_000_000.0), (1000, 9_000_001.5)):
            run = PatternRun(self._spec(folder), self.answer)
            random.seed(seed)
            with patch.object(time, "time", lambda now=now: now):
                await _settled(pattern, run)
            asked.append(run.asked)
        same = asked[0] == asked[1] == asked[2]
        require(
            same,
            f"it asked for {asked[0]}, then for {next((one for one in asked if one != asked[0]), asked[0])}",
            "Decide from outcomes, run.now() and run.elapsed alone, never from the clock or chance.",
        )

    @rule
    async def test_runs_do_not_know_of_each_other(self, pattern: Pattern, folder: Path) -> None:
        """Two runs of the same pattern at the same time ask for the steps that each asks for alone."""
        alone = PatternRun(self._spec(folder), self.answer)
        await _settled(pattern, alone)
        runs = [PatternRun(self._spec(folder), self.answer) for _ in range(2)]
        await asyncio.gather(*(_settled(pattern, run) for run in runs))
        for run in runs:
            require(
                run.asked == alone.asked, f"alone {alone.asked}, at once {run.asked}", "Keep nothing outside."
            )

    @rule
    async def test_what_the_engine_raises_passes(self, pattern: Pattern, folder: Path) -> None:
        """An exception out of ``run.step`` is not swallowed: it is how an engine ends or pauses a run."""
        run = PatternRun(self._spec(folder), self.answer, error=_EngineStops("the budget is used up"))
        raised = await caught_async(pattern(run))
        said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
        require(
            isinstance(raised, _EngineStops) or _all_stops(raised),
            f"run.step raised, and the pattern raised {said}",
            "Let it pass; for steps that may fail ask with tolerate=True.",
        )

    @rule
    async def test_cancelling_passes(self, pattern: Pattern, folder: Path) -> None:
        """A run that is cancelled within a step ends at once, and leaves nothing behind."""
        run = PatternRun(self._spec(folder), self.answer, hang=True)

        async def go() -> None:
            await pattern(run)

        await cancelled_in_time(go(), "the pattern")

    @rule
    async def test_the_spec_stays_as_it_is(self, pattern: Pattern, folder: Path) -> None:
        """A pattern changes nothing of the loop."""
        spec = self._spec(folder)
        before = spec.model_copy(deep=True)
        await _settled(pattern, PatternRun(spec, self.answer))
        require(spec == before, "it changed the spec", "Copy what you change, or pass it to run.step.")

    @rule
    async def test_small_loops_are_taken_or_refused(self, pattern: Pattern, folder: Path) -> None:
        """A loop of fewer steps either runs or is refused with a ``UsageError`` that says what to add."""
        for count in range(1, len(self.steps) + 1):
            run = PatternRun(self._spec(folder, count), self.answer)
            raised = await _settled(pattern, run)
            if count >= self.fewest:
                fact = f"with {count} steps it raised {type(raised).__name__}: {raised}"
                require(
                    raised is None or isinstance(raised, UsageError), fact, "Take them, or raise UsageError."
                )

    # Inside

    def _kernel(self, pattern: Pattern, folder: Path, agent: ScriptedAgent) -> Kernel:
        from loopengt.testing.contracts.plugging import plugin_with
        from loopengt.testing.running import make_kernel

        return make_kernel(folder, agents=agent, plugins=[(NAME, plugin_with("patterns", NAME, pattern))])

    def _declared(self, count: int | None = None) -> dict[str, Any]:
        from loopengt.testing.running import loop_spec

        given = {key: value for key, value in self.fields.items() if key != "policy"}
        fields: dict[str, Any] = {"stop_conditions": [_STOP]} | given
        retry = {"initial_delay_seconds": 0, "max_retries": 0}
        policy = {"max_turns": 30, "retry": retry, **self.fields.get("policy", {})}
        return loop_spec(*self.steps[:count], pattern=NAME, policy=policy, **fields)

    def _spec(self, folder: Path, count: int | None = None) -> LoopSpec:
        from loopengt_hookspecs.models import LoopSpec

        return LoopSpec.model_validate(self._declared(count))

    async def _run(self, pattern: Pattern, folder: Path, *script: Any, answer: Any = ...) -> RunResult:
        from loopengt.testing.running import run_loop
        from loopengt.testing.scripted import ScriptedAgent

        said = script[0] if script else self.answer if answer is ... else answer
        names = [step if isinstance(step, str) else step["name"] for step in self.steps]
        agent = ScriptedAgent(steps={name: (lambda request: said) for name in names})
        with TemporaryDirectory(dir=folder) as place, guarded("a run"):
            return await run_loop(self._kernel(pattern, Path(place), agent), self._declared())


def _all_stops(raised: Exception | None) -> bool:
    """Whether it is a group, as of a ``TaskGroup``, of nothing else."""
    return isinstance(raised, ExceptionGroup) and raised.split(_EngineStops)[1] is None


_BUGS = (
    "AttributeError",
    "KeyError",
    "TypeError",
    "IndexError",
    "ValueError",
    "RecursionError",
    "AssertionError",
)


async def _settled(pattern: Pattern, run: PatternRun) -> Exception | None:
    """Call the pattern until it ends, or refuses the loop; return what it raised."""
    try:
        await pattern(run)
    except UsageError as exc:
        return exc
    except run.enough:
        return None
    except ExceptionGroup as exc:
        return None if exc.subgroup(run.enough) else exc
    except Exception as exc:
        return exc
    return None
