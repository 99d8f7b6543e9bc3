"""Folds a run's events into its state: the one way in which state comes about, live and after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from loopengt.journal.records import AgentFold, HistoryEntry, OpenStep, StepFold, total_tokens
from loopengt_hookspecs.models import End, EndReason, Event, RunStatus, StepStatus
from loopengt_hookspecs.patterns import GateFailure, StepOutcome

if TYPE_CHECKING:
    from loopengt_hookspecs.models import LoopState

__all__ = ["Fold"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Fold:
    """The state of one run, brought forward event by event; ``snapshot`` gives it as a ``LoopState``.

    Args:
        history: Keep every execution, not just the last of each step. It grows with the run; an engine leaves it
            out.
    """

    def __init__(self, *, history: bool = True) -> None:
        self.run_id = ""
        self.loop_name = ""
        self.header: dict[str, Any] = {}
        """Data of the ``loop.start`` event: pattern, spec digest, workspace, names of the steps."""
        self.status = RunStatus.PENDING
        self.end: End | None = None
        """How the run ended or why it pauses; None while it runs."""
        self.context: dict[str, Any] = {}
        self.seq = 0
        """Position of the last event in the journal."""
        self.at = 0.0
        """Time of the last event, in seconds since the epoch."""
        self.started_at = 0.0
        self.turn = 0
        self.current_step_index = 0
        self.steps: dict[str, StepFold] = {}
        self.agents: dict[str, AgentFold] = {}
        self.open: dict[str, OpenStep] = {}
        self.failures: dict[str, tuple[GateFailure, ...]] = {}
        """Steps whose last execution was not good, each with the gates that failed."""
        self.tokens = 0
        self.cost_usd = 0.0
        self.unknown_costs = 0
        """Agent calls whose cost nobody knows."""
        self.any_completed = False
        """Whether any step did its work; skipped ones did not."""
        self.last_outcome: StepOutcome | None = None
        """How the step came out that completed last."""
        self.checkpoints: list[str] = []
        self.pending: dict[str, Any] | None = None
        """What a person is asked (an ``approval.request`` event's data); None: nothing."""
        self.history: list[HistoryEntry] | None = [] if history else None
        self.step_index: dict[str, int] = {}
        """Position of each declared step."""
        self._done: set[str] = set()
        self._elapsed_before = 0.0
        self._segment_start = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds that the run has been driven up to the last event, pauses left out."""
        return self._elapsed_before + max(0.0, self.at - self._segment_start)

    @property
    def last_output(self) -> Any:
        """Output of the step that completed last; None without one."""
        return self.last_outcome.output if self.last_outcome is not None else None

    @property
    def goal_reached(self) -> bool:
        """Whether every step has completed or been skipped, and no gate failed at its last execution."""
        return not self.failures and len(self._done) == len(self.step_index)

    def step(self, name: str) -> StepFold:
        """Return what is known of a step; a pending one when it has not begun."""
        known = self.steps.get(name)
        if known is None:
            known = self.steps[name] = StepFold()
        return known

    def snapshot(self) -> LoopState:
        """Return the state as the contract's ``LoopState``, with every declared step in it."""
        from loopengt.journal.snapshot import snapshot

        return snapshot(self)

    def apply_all(self, events: Iterable[Event]) -> StepOutcome | None:
        """Apply events in order and return the outcome of the last step that they complete."""
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
        self.started_at = self._segment_start = event.at
        self.step_index = {name: index for index, name in enumerate(data.get("steps", ()))}

    def _loop_resume(self, event: Event) -> None:
        # What lay between the last event and this one was not driven time.
        self._elapsed_before = float(event.data.get("elapsed", 0.0))
        self._segment_start = self.at = max(self.at, event.at)
        self.end = None
        self.status = RunStatus.RUNNING

    def _loop_rest(self, event: Event) -> None:
        reason = EndReason(event.data["reason"])
        self.end = End(reason, str(event.data.get("detail", "")))
        self.status = reason.status
        if self.status is RunStatus.PAUSED:
            return
        for opened in self.open.values():
            known = self.step(opened.step)
            known.status = StepStatus.FAILED
            known.completed_at = event.at
            error = opened.error["error"] if opened.error is not None else f"the run ended: {reason.value}"
            known.outcome = StepOutcome(opened.step, opened.attempt, error=error)

    # -- steps ----------------------------------------------------------------------------------------------

    def _step_start(self, event: Event) -> None:
        name = event.step or ""
        data = event.data
        attempt = data["attempt"]
        turn = data["turn"]
        opened = self.open.get(name)
        if opened is None or opened.occurrence != data["occurrence"]:
            self.open[name] = OpenStep(name, data["occurrence"], turn, data["agent"], attempt, event.at)
        else:  # begun again after a crash, or after a retry
            opened.attempt = attempt
            opened.error = None
        if turn > self.turn:
            self.turn = turn
        self.current_step_index = self.step_index.get(name, self.current_step_index)
        self._done.discard(name)
        known = self.step(name)
        known.status = StepStatus.RUNNING
        known.attempts = attempt
        known.started_at = event.at
        known.completed_at = None

    def _agent_invoke(self, event: Event) -> None:
        opened = self.open.get(event.step or "")
        if opened is not None:
            opened.invoked = True

    def _agent_response(self, event: Event) -> None:
        data = event.data
        opened = self.open[event.step or ""]
        opened.response = data
        usage = data.get("token_usage")
        tokens = 0
        if usage:
            tokens = total_tokens(usage)
            spent = opened.token_usage = opened.token_usage or {}
            for kind, count in usage.items():
                spent[kind] = spent.get(kind, 0) + count
        self.tokens += tokens
        cost = data.get("cost_usd")
        if cost is None:
            self.unknown_costs += 1
        else:
            self.cost_usd += cost
        agent = self._agent(opened.agent)
        agent.invocations += 1
        agent.total_tokens += tokens
        agent.last_output = data.get("output")

    def _agent_error(self, event: Event) -> None:
        opened = self.open[event.step or ""]
        opened.error = event.data
        agent = self._agent(opened.agent)
        agent.invocations += 1
        agent.errors += 1

    def _gate(self, event: Event) -> None:
        data = event.data
        opened = self.open[event.step or ""]
        if opened.verdicts is None:
            opened.verdicts = {}
        opened.verdicts[data["gate"]] = (event.type == "gate.pass", data.get("feedback", ""))

    def _step_retry(self, event: Event) -> None:
        opened = self.open[event.step or ""]
        opened.attempt = event.data["attempt"]
        opened.feedback = event.data.get("feedback", "")
        opened.delay = event.data.get("delay", 0.0)
        opened.retry_at = event.at + opened.delay
        opened.invoked = False
        opened.response = opened.error = opened.verdicts = None
        self.step(opened.step).status = StepStatus.RETRYING

    def _step_complete(self, event: Event) -> StepOutcome:
        name = event.step or ""
        known = self.step(name)
        known.completed_at = event.at
        if name in self.step_index:
            self._done.add(name)
        skipped = event.data.get("skipped")
        if skipped:
            known.status = StepStatus.SKIPPED
            known.outcome = StepOutcome(name, 0, skipped=True, metadata={"skipped": skipped})
            self.failures.pop(name, None)
            return known.outcome
        known.status = StepStatus.COMPLETED
        return self._close(self.open.pop(name), known, event, None)

    def _step_error(self, event: Event) -> StepOutcome:
        opened = self.open.pop(event.step or "")
        known = self.step(opened.step)
        known.completed_at = event.at
        known.status = StepStatus.FAILED
        return self._close(opened, known, event, event.data["error"])

    def _close(self, opened: OpenStep, known: StepFold, event: Event, error: str | None) -> StepOutcome:
        response = opened.response or _NOTHING
        failures: tuple[GateFailure, ...] = ()
        if opened.verdicts:
            failures = tuple(
                GateFailure(gate, feedback)
                for gate, (passed, feedback) in opened.verdicts.items()
                if not passed
            )
        outcome = known.outcome = StepOutcome(
            opened.step,
            opened.attempt,
            response.get("output"),
            error,
            failures,
            False,
            max(0.0, event.at - opened.began_at),
            opened.token_usage or _NOTHING,
            response.get("metadata") or _NOTHING,
        )
        if failures or error is not None:
            self.failures[opened.step] = failures
        else:
            self.failures.pop(opened.step, None)
        if error is None:
            self.any_completed = True
            self.last_outcome = outcome
        if self.history is not None:
            self.history.append(HistoryEntry(opened.turn, event.at, outcome))
        return outcome

    def _agent(self, name: str) -> AgentFold:
        known = self.agents.get(name)
        if known is None:
            known = self.agents[name] = AgentFold()
        return known

    # -- decisions and questions ------------------------------------------------------------------------------

    def _approval_request(self, event: Event) -> None:
        self.pending = event.data

    def _approval_decision(self, event: Event) -> None:
        self.pending = None

    def _checkpoint_save(self, event: Event) -> None:
        self.checkpoints.append(event.data["checkpoint_id"])


_HANDLERS: dict[str, Callable[[Fold, Event], StepOutcome | None]] = {
    "loop.start": Fold._loop_start,
    "loop.resume": Fold._loop_resume,
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
    "gate.pass": Fold._gate,
    "gate.fail": Fold._gate,
    "approval.request": Fold._approval_request,
    "approval.decision": Fold._approval_decision,
    "checkpoint.save": Fold._checkpoint_save,
}
