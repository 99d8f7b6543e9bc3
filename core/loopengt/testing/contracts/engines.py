"""The suite that every engine passes; an engine's author subclasses it in a test module.

::

    from loopengt.testing import EngineContract

    class TestMine(EngineContract):
        def make_engine(self, context):
            return MyEngine.from_context(context)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import Contract, caught_async, guarded, quick, require, rule, still
from loopengt_hookspecs.engines import ForkRequest, PlannedStep, ResumeRequest, RunRequest, RunResult
from loopengt_hookspecs.errors import RunNotFound

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.kernel import Kernel
    from loopengt.testing.observing import RecordingObserver
    from loopengt.testing.scripted import ScriptedAgent
    from loopengt_hookspecs.engines import Engine
    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.registration import PluginContext

__all__ = ["EngineContract"]

NAME = "engine_under_test"
NOWHERE = "no-run-has-this-id"


class EngineContract(Contract):
    """Rules of ``loopengt_hookspecs.engines.Engine`` that can be checked by small loops.

    Override ``make_engine(self, context: PluginContext) -> Engine``, or ``kernel`` where the engine is a plugin's.
    """

    fields: ClassVar[Mapping[str, Any]] = {"policy": {"max_turns": 9, "budget": {"max_tokens": 100_000}}}
    """Further keys of the loops that are run."""

    def make(self, folder: Path) -> Any:
        """Return nothing: an engine needs a kernel, so each rule makes one with ``kernel``."""
        return None

    def make_engine(self, context: PluginContext) -> Engine:
        """Return a new engine, as its ``from_context`` would."""
        raise TypeError(f"{type(self).__name__} overrides neither make_engine nor kernel")

    def kernel(self, folder: Path, agent: ScriptedAgent) -> Kernel:
        """Return a kernel whose configured engine is the one under test.

        Args:
            folder: The project.
            agent: The provider to register as ``scripted``.
        """
        from loopengt.testing.contracts.plugging import plugin_with
        from loopengt.testing.running import make_kernel

        suite = self

        class Made:
            @classmethod
            def from_context(cls, context: PluginContext) -> Engine:
                return suite.make_engine(context)

        plugin = plugin_with("engines", NAME, Made)
        return make_kernel(folder, agents=agent, plugins=[(NAME, plugin)], config={"engine": {"name": NAME}})

    @rule
    async def test_a_run_comes_to_its_goal(self, nothing: None, folder: Path) -> None:
        """A loop whose agents do well is run step by step to its goal, and the result says what came of it."""
        async with self._bench(folder) as (engine, agent, spec):
            result = await _driven(engine.start(RunRequest(spec, in_place=True)), "start()")
            fact = f"it ended {result.end.reason}: {result.end.detail}; output {result.output!r}"
            require(
                result.end.reason == "goal_met" and result.output == "done", fact, "Run the loop as declared."
            )
            steps = [request.step for request in agent.requests]
            require(
                steps == ["first", "second"], f"the agents were asked for {steps}", "Ask for each step once."
            )
            state = result.snapshot()
            same = state.run_id == result.run_id and state.status.value == "completed"
            require(
                same,
                f"the state is {state.status.value} of run {state.run_id!r}",
                "Fold it from the journal.",
            )

    @rule
    async def test_the_journal_tells_the_run(self, nothing: None, folder: Path) -> None:
        """The journal of a run begins with ``loop.start``, has each step's events, and ends with its end."""
        from loopengt.journal import load_run

        async with self._bench(folder) as (engine, _agent, spec):
            result = await _driven(engine.start(RunRequest(spec, in_place=True)), "start()")
            with guarded("reading the journal", remedy="Append every event to the opened storage."):
                events = (await load_run(self._kernel.opened_storage(), result.run_id))[1]
            types = [event.type for event in events]
            ends = types[:1] == ["loop.start"] and types[-1:] == ["loop.complete"]
            require(ends, f"the journal has {types}", "Begin with loop.start, end with loop.complete.")
            count = (types.count("step.start"), types.count("step.complete"))
            require(
                count == (2, 2), f"the journal has {types}", "Record the beginning and the end of each step."
            )

    @rule
    async def test_observers_see_the_run(self, nothing: None, folder: Path) -> None:
        """An observer of the request sees the run from ``loop.start`` to ``loop.complete``, and is closed once."""
        async with self._bench(folder) as (engine, _agent, spec):
            observer = _recording()
            await _driven(engine.start(RunRequest(spec, in_place=True, observers=[observer])), "start()")
            types = observer.types()
            whole = (
                types[:1] == ["loop.start"] and types[-1:] == ["loop.complete"] and "step.complete" in types
            )
            require(whole, f"the observer saw {types}", "Tell observers of every event, in order.")
            require(
                observer.closed == 1, f"the observer was closed {observer.closed} times", "Close it once."
            )

    @rule
    async def test_a_run_keeps_the_id_that_it_is_given(self, nothing: None, folder: Path) -> None:
        """``run_id`` of a request is the run's; without one, two runs have different ids."""
        async with self._bench(folder) as (engine, _agent, spec):
            given = await _driven(
                engine.start(RunRequest(spec, in_place=True, run_id="run-given")), "start()"
            )
            require(
                given.run_id == "run-given", f"the run is called {given.run_id!r}", "Take request.run_id."
            )
            ids = {
                (await _driven(engine.start(RunRequest(spec, in_place=True)), "start()")).run_id for _ in "ab"
            }
            require(len(ids) == 2, f"two runs are called {ids}", "Make an id for each.")

    @rule
    async def test_an_agent_that_fails_ends_the_run(self, nothing: None, folder: Path) -> None:
        """A run whose agent fails for good ends, not with its goal met, and raises nothing."""
        from loopengt_hookspecs.errors import AgentError

        error = AgentError("the service is down", kind="Broken")
        async with self._bench(folder, error) as (engine, _agent, spec):
            result = await _driven(engine.start(RunRequest(spec, in_place=True)), "start()")
            fact = f"its agent failed, and the run ended {result.end.reason}"
            require(result.end.reason != "goal_met", fact, "End it as failed.")

    @rule
    def test_planning_does_nothing(self, nothing: None, folder: Path) -> None:
        """``plan`` names each step with its agent, and ``check`` lets the loop pass, without an effect."""
        from loopengt.testing.scripted import ScriptedAgent

        agent = ScriptedAgent()
        kernel = self.kernel(folder, agent)
        spec, engine = self._spec(kernel), kernel.engine()
        engine.plan(RunRequest(spec))
        what = "plan() or check()"
        with still(what, folder, looking=True), quick(what), guarded(what):
            planned = engine.plan(RunRequest(spec))
            engine.check(spec)
        steps = [one.step for one in planned if isinstance(one, PlannedStep)]
        require(
            steps == ["first", "second"], f"the plan has the steps {steps}", "Return a PlannedStep for each."
        )
        require(not agent.requests, "an agent was asked while planning", "Execute nothing.")

    @rule
    async def test_runs_that_are_not_there_are_named(self, nothing: None, folder: Path) -> None:
        """Resuming, forking or finishing a run that is not there raises ``RunNotFound``."""
        async with self._bench(folder) as (engine, _agent, _spec):
            calls: Mapping[str, Callable[[], Awaitable[object]]] = {
                "resume": lambda: engine.resume(ResumeRequest(NOWHERE)),
                "fork": lambda: engine.fork(ForkRequest(NOWHERE, "first")),
                "finish_workspace": lambda: engine.finish_workspace(NOWHERE, "discard"),
            }
            for what, call in calls.items():
                raised = await caught_async(call())
                said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
                fact = f"{what} of a run that is not there raised {said}"
                require(isinstance(raised, RunNotFound), fact, "Raise RunNotFound.")

    @rule
    async def test_an_ended_run_is_returned_as_it_ended(self, nothing: None, folder: Path) -> None:
        """Resuming a run that is at its goal executes nothing and returns the same end."""
        async with self._bench(folder) as (engine, agent, spec):
            first = await _driven(engine.start(RunRequest(spec, in_place=True)), "start()")
            asked = len(agent.requests)
            again = await _driven(engine.resume(ResumeRequest(first.run_id)), "resume()")
            require(
                again.end.reason == first.end.reason, f"it now ended {again.end.reason}", "Return its end."
            )
            require(len(agent.requests) == asked, "resuming an ended run asked agents", "Execute nothing.")

    @rule
    async def test_an_interrupted_run_goes_on(self, nothing: None, folder: Path) -> None:
        """``interrupt`` pauses a run in the midst of a step, and ``resume`` brings it to its goal."""
        async with self._bench(folder, hang=True) as (engine, agent, spec):
            task = asyncio.ensure_future(engine.start(RunRequest(spec, in_place=True)))
            await _until(lambda: bool(agent.requests) or task.done())
            engine.interrupt()
            done, _pending = await asyncio.wait([task], timeout=20)
            if not done:
                task.cancel()
                await asyncio.wait([task], timeout=5)
            require(bool(done), "an interrupted run went on", "Cancel the agent and pause.")
            with guarded("interrupting a run"):
                paused = task.result()
            fact = f"it ended {paused.end.reason}, can_resume {paused.can_resume}"
            require(paused.end.reason == "interrupted" and paused.can_resume, fact, "Pause it: interrupted.")
            again = await _driven(engine.resume(ResumeRequest(paused.run_id)), "resume()")
            require(
                again.end.reason == "goal_met", f"resumed it ended {again.end.reason}", "Go on where it was."
            )

    @rule
    async def test_a_fork_shares_what_was_before(self, nothing: None, folder: Path) -> None:
        """A fork at the second step is a run of its own that does not do the first step again."""
        async with self._bench(folder) as (engine, agent, spec):
            first = await _driven(engine.start(RunRequest(spec, in_place=True)), "start()")
            asked = len(agent.requests)
            fork = await _driven(engine.fork(ForkRequest(first.run_id, "second")), "fork()")
            steps = [request.step for request in agent.requests[asked:]]
            fact = f"the fork {fork.run_id!r} of {first.run_id!r} ended {fork.end.reason} after the steps {steps}"
            sound = fork.run_id != first.run_id and steps == ["second"] and fork.end.reason == "goal_met"
            require(sound, fact, "Copy the journal up to the place, and go on from there.")

    # Inside

    _kernel: Kernel

    def _bench(self, folder: Path, *answers: Any, hang: bool = False) -> _Bench:
        return _Bench(self, folder, answers, hang)

    def _spec(self, kernel: Kernel) -> LoopSpec:
        import json

        from loopengt.testing.running import loop_spec

        path = kernel.project / "loop.json"
        path.write_text(json.dumps(loop_spec("first", "second", **self.fields)), encoding="utf-8")
        return kernel.load_spec(path).spec


class _Bench:
    """A kernel with its storage open, for ``async with``."""

    def __init__(self, suite: EngineContract, folder: Path, answers: tuple[Any, ...], hang: bool) -> None:
        self._suite, self._folder, self._answers, self._hang = suite, folder, answers, hang

    async def __aenter__(self) -> tuple[Engine, ScriptedAgent, LoopSpec]:
        from loopengt.testing.scripted import ScriptedAgent

        answer = self._answers[0] if self._answers else "done"
        hung = not self._hang

        async def act(request: Any) -> Any:
            nonlocal hung
            if not hung:
                hung = True
                await asyncio.Event().wait()
            return answer

        agent = ScriptedAgent(steps={"first": act, "second": act})
        self._suite._kernel = kernel = self._suite.kernel(self._folder, agent)
        spec = self._suite._spec(kernel)
        self._storage = kernel.storage()
        await self._storage.__aenter__()
        with guarded("making the engine"):
            return kernel.engine(), agent, spec

    async def __aexit__(self, *exc: object) -> None:
        await self._storage.__aexit__(None, None, None)


async def _driven(call: Awaitable[RunResult], what: str) -> RunResult:
    with guarded(what):
        result = await call
    require(isinstance(result, RunResult), f"{what} returned {result!r:.80}", "Return a RunResult.")
    return result


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.02)


def _recording() -> RecordingObserver:
    from loopengt.testing.observing import RecordingObserver

    return RecordingObserver()
