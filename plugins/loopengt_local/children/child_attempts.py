"""Makes one attempt at a step that runs a loop of its own: a child run, whose end is the step's answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from loopengt import ExpressionError
from loopengt.journal import to_json_data
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import End, EndReason, RunStatus
from loopengt_local.attempts import AgentAttempt
from loopengt_local.control import EndRun
from loopengt_local.replies import spending
from loopengt_local.results import is_mendable
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt.journal import Fold
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult
    from loopengt_local.children.subloops import ChildLoop
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline
    from loopengt_local.drive import Drive
    from loopengt_local.retry import Failure
    from loopengt_local.run import LocalRun

__all__ = ["ChildAttempt", "ChildRun", "child_run_id", "is_open_failure"]

REQUEST = "request"
"""Name of the child's context that holds the step's prompt, when the step has a template."""

_DONE = frozenset({EndReason.GOAL_MET, EndReason.NOTHING_TO_DO})


def child_run_id(parent: str, step: str, occurrence: int, attempt: int) -> str:
    """Return the id of the child run of an attempt, which is the same whenever the attempt is taken up."""
    digest = hashlib.sha256(f"{step}/{occurrence}/{attempt}".encode()).hexdigest()
    return f"{parent}.{digest[:8]}"


@dataclass(slots=True, eq=False)
class ChildRun:
    """One child run that is under way."""

    run_id: str
    loop: ChildLoop
    parent: LocalRun
    step: str
    """Name of the parent's step, or instance."""
    began_at: int
    """Position in the parent's journal of the event that began the attempt."""
    context: Callable[[], dict[str, Any]]
    """Makes the child's context, in case that it is a new one."""
    drive: Drive | None = field(default=None, init=False)
    fold: Fold | None = field(default=None, init=False)
    broken_off: bool = field(default=False, init=False)

    def stop(self, end: End) -> None:
        """End it before its next turn."""
        if self.drive is not None:
            self.drive.stop(end)

    def break_off(self, end: End) -> None:
        """End or pause it so, at once."""
        self.broken_off = True
        if self.drive is not None:
            self.drive.break_off(end)


def is_open_failure(fold: Fold, end: End) -> bool:
    """Whether a child run has failed for want of something, and goes on once that is there."""
    return is_mendable(fold, end) and not fold.failures


class ChildAttempt(AgentAttempt):
    """One attempt; see ``AgentAttempt``."""

    __slots__ = ("_began_at", "_child", "_inputs")

    def __init__(self, run: LocalRun, step: CompiledStep, turn: int, occurrence: int, number: int) -> None:
        super().__init__(run, step, turn, occurrence, number)
        self._began_at = 0
        self._child: ChildRun | None = None
        self._inputs: Mapping[str, Any] = {}

    async def make(self, feedback: str, names: Mapping[str, Any] | None) -> Failure | None:
        """Run the loop; see ``AgentAttempt.make``."""
        self._inputs = names or {}
        return await super().make(feedback, names)

    def _start(self, start: dict[str, Any]) -> None:
        run_id = child_run_id(self._run.run_id, self._step.name, self._occurrence, self._number)
        super()._start(start | {"agent": "", "run": run_id})
        self._began_at = self._journal.position

    async def _call(self, request: AgentRequest, deadline: Deadline) -> AgentReply:
        run, step, children = self._run, self._step, self._run.children
        assert step.child is not None, "another class makes the attempts of agents"
        assert children is not None, "a run that is driven has a place for child runs"
        run_id = child_run_id(run.run_id, step.name, self._occurrence, self._number)
        child = self._child = ChildRun(
            run_id, step.child, run, step.name, self._began_at, lambda: self._context(request)
        )
        while True:
            result = await children.run(child)
            paused = result.end.reason is EndReason.APPROVAL_REQUIRED
            left = run.deadlines.suspend(deadline)  # what a person takes to answer is not the step's time
            await run.approvals.relay(step.name, run_id, result.questions if paused else ())
            run.deadlines.go_on(deadline, left)
            if not paused:
                return self._reply(result)

    def _context(self, request: AgentRequest) -> dict[str, Any]:
        """Make the context of a new child run: its own, with the step's inputs and prompt."""
        step, run = self._step.spec, self._run
        child = self._step.child
        assert child is not None
        own = {"lap": self._occurrence, "item": "", **self._inputs}
        scope = RunScope(run, own, result=run.fold.last_outcome)
        context = dict(child.compiled.spec.context)
        for name, expression in self._step.inputs.items():
            try:
                context[name] = to_json_data(expression.evaluate(scope))[0]
            except (ExpressionError, TypeError) as exc:
                detail = f"inputs.{name} of step {step.name!r}: {exc}"
                raise EndRun(End(EndReason.FAILED, detail)) from exc
        if step.prompt_template:
            context[REQUEST] = run.compiled.intake.text(request.prompt)
        return context

    def _reply(self, result: RunResult) -> AgentReply:
        """Make the step's answer of the child's end.

        Raises:
            EndRun: The child rests, and the parent with it.
            AgentError: The child did not reach its goal.
        """
        end, child = result.end, self._child
        how = f"{end.reason.value}: {end.detail}" if end.detail else end.reason.value
        detail = f"child run {result.run_id} of step {self._step.name!r}: {how}"
        if end.reason in _DONE:
            self.extra = self._unknown()
            self._close()
            facts = {"run": result.run_id, "reason": end.reason.value, "turns": result.snapshot().turn}
            usage = {"total_tokens": result.tokens} if result.tokens else {}
            return AgentReply(result.output, usage, result.cost_usd, "reported", facts)
        if end.reason is EndReason.STOPPED:
            raise EndRun(self._run.stop_requested or End(EndReason.STOPPED, detail))
        if end.reason.status is RunStatus.PAUSED:
            raise EndRun(End(end.reason, detail))
        if end.reason is EndReason.EXHAUSTED and child is not None and child.drive is not None:
            own = child.drive.run_object.budgets
            if own.exhausted not in (None, own):  # it is this run's budget, or one above it
                self._run.budgets.exhausted = own.exhausted
                raise EndRun(End(EndReason.EXHAUSTED, detail))
        if child is not None and child.fold is not None and is_open_failure(child.fold, end):
            raise MissingRequirement(detail)
        raise AgentError(f"child run {result.run_id}: {how}", kind="SubLoopError")

    def failed(self, failure: Failure, began: float | None = None) -> Failure:
        """Write down that the attempt has failed, and what its child run has used.

        A child run that can go on once something is mended reports what it has used when it does.
        """
        fold = self._child.fold if self._child is not None else None
        if fold is not None and not failure.fatal:
            usage = {"total_tokens": fold.tokens} if fold.tokens else None
            failure = replace(failure, spent={**spending(usage, fold.cost_usd), **self._unknown()})
            self._close()
        if self._child is not None:
            self._withdraw(self._child.run_id)
        return super().failed(failure, began)

    def _withdraw(self, child: str) -> None:
        """What a child run that is over has asked needs no answer any more."""
        for known in tuple(self._run.fold.questions.values()):
            if known.get("run") == child:
                data = {"id": known["id"], "kind": known["kind"], "step": self._step.name, "run": child}
                data |= {"decision": "withdrawn", "by": child}
                self._journal.note("approval.decision", self._step.name, data)

    def _close(self) -> None:
        """What the child run has used is written down now."""
        if self._child is not None and self._run.children is not None:
            self._run.children.open.pop(self._child.run_id, None)

    def _unknown(self) -> dict[str, int]:
        fold = self._child.fold if self._child is not None else None
        return {"unknown_costs": fold.unknown_costs} if fold is not None and fold.unknown_costs else {}
