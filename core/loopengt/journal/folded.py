"""The state of a run as it is folded from its events: what is known, and what can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.journal.records import AgentFold, HistoryEntry, OpenStep, ProgressFold, StepFold, Usage
from loopengt_hookspecs.models import RunStatus

if TYPE_CHECKING:
    from loopengt_hookspecs.models import End, LoopState
    from loopengt_hookspecs.patterns import GateFailure, StepOutcome

__all__ = ["FoldedState"]


class FoldedState:
    """What a fold knows of a run. Only ``Fold`` changes it.

    Args:
        history: Keep every execution, not just the last of each step.
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
        self.ended_at: float | None = None
        """When the run ended, in seconds since the epoch; None: it has not. What is written behind its end, such
        as a judge's verdict, does not change that."""
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
        self.checkpoints: dict[str, dict[str, Any]] = {}
        """Data of the ``checkpoint.save`` events, by id; those of deleted ones are left out."""
        self.questions: dict[str, dict[str, Any]] = {}
        """What a person is asked (data of ``approval.request`` events), by id."""
        self.decisions: dict[str, dict[str, Any]] = {}
        """What was answered (data of ``approval.decision`` events), by the question's id."""
        self.spent: dict[str, Usage] = {}
        """What each step, by its declared name, has consumed."""
        self.added: dict[str, float] = {}
        """What was added to the run's limits since it began: turns, seconds, tokens, cost_usd."""
        self.progress = ProgressFold()
        self.remembered: dict[str, dict[str, Any]] = {}
        """What the last execution of each step has read from memory (data of its ``memory.read`` event)."""
        self.stop: dict[str, Any] | None = None
        """That a person has asked the run to stop (data of the ``loop.stop`` event), which it has not done yet."""
        self.under_way: dict[str, float] = {}
        """Tokens, cost_usd and unknown_costs of child runs that were not at their end when the run came to rest; part
        of the totals until it goes on."""
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

    def totals(self, *, under_way: bool) -> dict[str, Any]:
        """Return tokens, cost_usd and unknown_costs of the run, with or without what child runs under way have used."""
        units = ("tokens", "cost_usd", "unknown_costs")
        left_out = {} if under_way else self.under_way
        return {unit: getattr(self, unit) - left_out.get(unit, 0) for unit in units}

    def _agent(self, name: str) -> AgentFold:
        known = self.agents.get(name)
        if known is None:
            known = self.agents[name] = AgentFold()
        return known

    def _spent(self, step: str) -> Usage:
        known = self.spent.get(step)
        if known is None:
            known = self.spent[step] = Usage()
        return known

    def snapshot(self) -> LoopState:
        """Return the state as the contract's ``LoopState``, with every declared step in it."""
        from loopengt.journal.snapshot import snapshot

        return snapshot(self)
