"""Folds a run's events into its state: the one way in which state comes about, live and after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loopengt.journal.steps_fold import StepsFold
from loopengt_hookspecs.models import End, EndReason, Event, RunStatus, StepStatus
from loopengt_hookspecs.patterns import StepOutcome

__all__ = ["Fold"]


class Fold(StepsFold):
    """The state of one run, brought forward event by event; ``snapshot`` gives it as a ``LoopState``.

    Args:
        history: Keep every execution, not just the last of each step. It grows with the run; an engine leaves it
            out.
    """

    def apply_all(self, events: Sequence[Event]) -> StepOutcome | None:
        """Apply events in order and return the outcome of the last step that they complete."""
        if len(events) == 4:
            outcome = self._apply_turn(*events)
            if outcome is not None:
                return outcome
        outcome = None
        for event in events:
            made = self.apply(event)
            if made is not None:
                outcome = made
        return outcome

    def apply(self, event: Event) -> StepOutcome | None:
        """Apply one event and return the outcome of the step that it completes, if it does."""
        self.seq = event.seq
        if event.at > self.at:  # a clock that is set back does not turn the run's time back
            self.at = event.at
        handler = _HANDLERS.get(event.type)
        return handler(self, event) if handler is not None else None

    # -- the loop -------------------------------------------------------------------------------------------

    def _loop_start(self, event: Event) -> None:
        data = self.header = event.data
        self.run_id = data["run_id"]
        self.loop_name = data["loop"]
        self.context = data.get("context", {})
        self.status = RunStatus.RUNNING
        self._segment_start = event.at
        self.started_at = data.get("forked_from", {}).get("time", event.at)
        self.step_index = {name: index for index, name in enumerate(data.get("steps", ()))}

    def _loop_resume(self, event: Event) -> None:
        # What lay between the last event and this one was not driven time.
        self._elapsed_before = float(event.data.get("elapsed", 0.0))
        self._segment_start = self.at = max(self.at, event.at)
        if "spec" in event.data:  # the run goes on by a changed one
            taken = ("spec", "steps", "limits", "file", "loops")
            self.header = self.header | {key: event.data[key] for key in taken if key in event.data}
            self.step_index = {name: index for index, name in enumerate(event.data["steps"])}
            self._done &= self.step_index.keys()
            self.context = event.data.get("context", self.context)
        self._count_under_way({})
        self.end = self.stop = self.ended_at = None
        self.status = RunStatus.RUNNING

    def _loop_rest(self, event: Event) -> None:
        reason = EndReason(event.data["reason"])
        self.end = End(reason, str(event.data.get("detail", "")))
        self.status = reason.status
        self._count_under_way(event.data.get("under_way", {}))
        if self.status is RunStatus.PAUSED:
            return
        self.stop, self.ended_at = None, self.at
        for opened in self.open.values():
            known = self.step(opened.step)
            known.status = StepStatus.FAILED
            known.completed_at = event.at
            error = opened.error["error"] if opened.error is not None else f"the run ended: {reason.value}"
            known.outcome = StepOutcome(opened.step, opened.attempt, error=error)

    def _count_under_way(self, used: dict[str, float]) -> None:
        """Take what child runs under way have used into the totals, in place of what was known of that before."""
        for unit, amount in self.totals(under_way=False).items():
            setattr(self, unit, amount + used.get(unit, 0))
        self.under_way = used

    # -- decisions and questions ------------------------------------------------------------------------------

    def _approval_request(self, event: Event) -> None:
        self.questions[event.data["id"]] = event.data
        self.decisions.pop(event.data["id"], None)  # it may be asked again

    def _approval_decision(self, event: Event) -> None:
        self.questions.pop(event.data["id"], None)
        self.decisions[event.data["id"]] = event.data
        self._outside(event)

    def _checkpoint_save(self, event: Event) -> None:
        self.checkpoints[event.data["checkpoint_id"]] = event.data
        self._outside(event)

    def _outside(self, event: Event) -> None:
        if "elapsed" in event.data:  # written while nobody drove the run
            self._elapsed_before, self._segment_start = event.data["elapsed"], self.at

    def _checkpoint_delete(self, event: Event) -> None:
        self.checkpoints.pop(event.data["checkpoint_id"], None)
        self._outside(event)

    def _judge_score(self, event: Event) -> None:
        if "evaluation" in event.data:  # made after the run, and no part of it
            self._outside(event)

    def _budget_add(self, event: Event) -> None:
        for key, amount in event.data["added"].items():
            self.added[key] = self.added.get(key, 0) + amount

    def _progress(self, event: Event) -> None:
        self.progress.apply(event.step or "", event.data)
        opened = self.open.get(event.step or "")
        if opened is not None:
            opened.weighed = event.data.get("attempt", 0)

    def _loop_stop(self, event: Event) -> None:
        self.stop = event.data


_HANDLERS: dict[str, Callable[[Fold, Event], StepOutcome | None]] = {
    "loop.start": Fold._loop_start,
    "loop.resume": Fold._loop_resume,
    "loop.stop": Fold._loop_stop,
    "loop.pause": Fold._loop_rest,
    "loop.complete": Fold._loop_rest,
    "loop.error": Fold._loop_rest,
    "step.start": Fold._step_start,
    "step.retry": Fold._step_retry,
    "step.complete": Fold._step_complete,
    "step.error": Fold._step_error,
    "agent.invoke": Fold._agent_invoke,
    "agent.response": Fold._agent_response,
    "agent.error": Fold._agent_error,
    "memory.read": Fold._memory_read,
    "model.response": Fold._model_response,
    "tool.call": Fold._tool_call,
    "tool.result": Fold._tool_result,
    "tool.error": Fold._tool_result,
    "gate.pass": Fold._gate,
    "gate.fail": Fold._gate,
    "approval.request": Fold._approval_request,
    "approval.decision": Fold._approval_decision,
    "checkpoint.save": Fold._checkpoint_save,
    "checkpoint.delete": Fold._checkpoint_delete,
    "judge.score": Fold._judge_score,
    "budget.add": Fold._budget_add,
    "progress": Fold._progress,
}
