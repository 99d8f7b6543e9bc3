"""A run of a loop in a test: how it ended, what it did, and what judges say of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from loopengt.errors import UsageError
from loopengt.naming import hint
from loopengt.testing.loop_runs.parts import GateRun, StepRun
from loopengt.testing.loop_runs.shown import read_family, to_tree
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt.kernel import Kernel
    from loopengt.testing.loop_runs.answering import Answering
    from loopengt.testing.loop_runs.shown import Family
    from loopengt.testing.scripted import Script
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.models import End, Event, JudgeResult, JudgeSpec, LoopSpec, LoopState
    from loopengt_hookspecs.storage import Storage

__all__ = ["LoopRun", "Stage", "read_run", "run_now"]

T = TypeVar("T")

_REACHED = (EndReason.GOAL_MET, EndReason.NOTHING_TO_DO)


@dataclass(slots=True)
class Stage:
    """On what a run of a test was made."""

    kernel: Kernel
    spec: LoopSpec
    answering: Answering | None
    """Who answers in place of agents; None: a recording does."""
    middleware: Sequence[Middleware]
    live: bool
    made: Callable[[LoopRun], None]
    """Is told of each run, to show it when the test fails."""


def run_now(work: Coroutine[Any, Any, T], instead: str) -> T:
    """Do something in an event loop of its own.

    Args:
        work: What.
        instead: What to write in a test that has an event loop.

    Raises:
        UsageError: There is an event loop already.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    work.close()
    raise UsageError("this test is async, and has an event loop of its own", remedy=f"Write: await {instead}")


class LoopRun:
    """One run of a loop, as it ended or where it paused."""

    def __init__(self, stage: Stage, result: RunResult, family: Family) -> None:
        self._stage = stage
        self._result = result
        self._family = family
        self.id: str = result.run_id
        self.end: End = result.end
        """``reason`` and ``detail`` of its end or pause."""
        self.reason: str = result.end.reason.value
        """Why it ended or pauses, such as ``goal_met``, ``blocked`` or ``exhausted``."""
        self.detail: str = result.end.detail
        self.output: Any = result.output
        """The output of the step that completed last."""
        self.tokens: int = result.tokens
        self.cost_usd: float = result.cost_usd
        """What is known of its cost; scripted and replayed answers cost nothing, unless they say so."""
        self.unknown_costs: int = result.unknown_costs
        self.elapsed: float = result.elapsed
        """Seconds that it was driven."""
        self.notes: Sequence[str] = result.notes
        self.questions = result.questions
        """What a person is asked (data of ``approval.request`` events), oldest first."""
        self.state: LoopState = result.snapshot()
        self.turns: int = self.state.turn
        self.shown = False
        """Whether a failed assertion has shown its tree."""
        self.events: list[Event] = family[0][1]
        """Its journal (docs/journal.md), without child runs: each event with ``type``, ``step`` and ``data``."""

    @property
    def goal_met(self) -> bool:
        """Whether it reached its goal, or found nothing to do."""
        return self.end.reason in _REACHED

    @property
    def workspace(self) -> Path:
        """The folder that it worked in; removed when the test is over."""
        assert self._result.workspace is not None, "the engine says where a run works"
        return self._result.workspace

    @property
    def made_workspace(self) -> bool:
        """Whether the engine has made the workspace for this run, so that it can be removed."""
        path = self._result.workspace
        made = self._stage.kernel.folder / "workspaces"
        return path is not None and path.resolve().parent == made.resolve()

    @property
    def requests(self) -> list[AgentRequest]:
        """What agents were asked, in order; empty in a replay."""
        return [] if self._stage.answering is None else self._stage.answering.requests

    @property
    def unused_answers(self) -> dict[str, int]:
        """How many answers were not asked for, by step, agent or judge; ``*``: common ones."""
        return {} if self._stage.answering is None else self._stage.answering.unused()

    def step(self, name: str) -> StepRun:
        """Return what was done of a step; an item of a ``for_each`` is called ``STEP[INDEX]``.

        Raises:
            UsageError: The loop has no such step.
        """
        known = [step.name for step in self._stage.spec.steps]
        ran = {event.step for event in self.events if event.step is not None}
        if name not in known and name not in ran:
            raise UsageError(f"the loop has no step {name!r}{hint(name, known)}")
        return StepRun(name, self.events)

    def gate(self, name: str, *, step: str | None = None) -> GateRun:
        """Return what a gate said.

        Args:
            name: The gate.
            step: Only what it said of this step; None: of all.

        Raises:
            UsageError: The loop has no such gate.
        """
        known = [gate.name for gate in self._stage.spec.policy.verification_gates]
        if name not in known:
            raise UsageError(f"the loop has no gate {name!r}{hint(name, known)}")
        return GateRun(name, self.events, step)

    # Assertions that show the run

    def assert_goal_met(self) -> None:
        """Fail, with the trace, when the goal was not reached."""
        __tracebackhide__ = True
        if not self.goal_met:
            raise AssertionError(self._message("the goal was not reached"))

    def assert_ended(self, reason: str) -> None:
        """Fail, with the trace, when the run ended, or pauses, for another reason.

        Args:
            reason: Such as ``blocked``, ``exhausted`` or ``approval_required``.

        Raises:
            UsageError: There is no such reason.
        """
        __tracebackhide__ = True
        known = [each.value for each in EndReason]
        if reason not in known:
            raise UsageError(f"no run ends for the reason {reason!r}{hint(reason, known)}")
        if self.reason != reason:
            raise AssertionError(self._message(f"the run was to end as {reason}"))

    def _message(self, what: str) -> str:
        self.shown = True
        detail = f": {self.detail}" if self.detail else ""
        return f"{what}, it ended as {self.reason}{detail}\n{self.tree()}"

    def tree(self) -> str:
        """Return what ``loopengt trace`` shows of it, without secrets."""
        return to_tree(self._stage.kernel, self.state, self._family)

    def __repr__(self) -> str:
        """Return its loop and how it ended."""
        return f"<LoopRun {self._stage.spec.name!r} {self.reason}, {self.turns} turns>"

    # Judges

    def judge(
        self,
        judge: str | JudgeSpec,
        *,
        agent: str | Script | None = None,
        expected: Any = None,
        other: Any = None,
        threshold: float | None = None,
    ) -> JudgeResult:
        """Ask a judge about the run.

        Args:
            judge: Name of its kind, a YAML file that declares it, or a declaration.
            agent: Answers for the judge's agent, a list or a function; or ``PROVIDER[:MODEL]``, which is asked really
                and so takes ``live=True``. None: as the declaration says; a judge that asks nobody needs none.
            expected: What it compares the output with.
            other: Another output for the same goal.
            threshold: Lowest score that passes; None: as declared, else 0.8.

        Raises:
            JudgeError: It came to no verdict.
            UsageError: There is no such judge, or its agent would be called without ``live=True``.
        """
        __tracebackhide__ = True
        work = self.ajudge(judge, agent=agent, expected=expected, other=other, threshold=threshold)
        return run_now(work, "run.ajudge(…)")

    async def ajudge(
        self,
        judge: str | JudgeSpec,
        *,
        agent: str | Script | None = None,
        expected: Any = None,
        other: Any = None,
        threshold: float | None = None,
    ) -> JudgeResult:
        """Do as ``judge`` does, in an async test."""
        from loopengt.testing.loop_runs.judging import ask_judge

        against = (expected, other)
        return await ask_judge(self._stage, self.id, judge, agent, against, threshold)

    # Answers of people

    def approve(self, comment: str = "") -> LoopRun:
        """Approve what the run asks first, go on with it, and return it as it ends then.

        Raises:
            UsageError: It asks nothing.
        """
        __tracebackhide__ = True
        return run_now(self.adecide(approved=True, comment=comment), "run.adecide(approved=True)")

    def reject(self, comment: str = "") -> LoopRun:
        """Reject what the run asks first, go on with it, and return it as it ends then.

        Raises:
            UsageError: It asks nothing.
        """
        __tracebackhide__ = True
        return run_now(self.adecide(approved=False, comment=comment), "run.adecide(approved=False)")

    async def adecide(self, *, approved: bool, comment: str = "") -> LoopRun:
        """Do as ``approve`` or ``reject`` does, in an async test."""
        from loopengt.approvals import Answer, decide
        from loopengt_hookspecs.engines import ResumeRequest

        if not self.questions:
            raise UsageError(f"the run asks nobody: it ended as {self.reason}")
        kernel = self._stage.kernel
        async with kernel.storage() as storage:
            await decide(storage, self.id, str(self.questions[0]["id"]), Answer(approved, "test", comment))
            request = ResumeRequest(self.id, middleware=self._stage.middleware)
            return await read_run(self._stage, storage, await kernel.engine().resume(request))


async def read_run(stage: Stage, storage: Storage, result: RunResult) -> LoopRun:
    """Make the run that a test sees of how it ended."""
    run = LoopRun(stage, result, await read_family(storage, result.run_id))
    stage.made(run)
    return run
