"""Folds the events of steps and their agents into a run's state."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from loopengt.journal.folded import FoldedState
from loopengt.journal.gathering import gather
from loopengt.journal.records import (
    AgentFold,
    CallsFold,
    CallsUse,
    HistoryEntry,
    OpenStep,
    StepFold,
    is_turn,
    total_tokens,
)
from loopengt_hookspecs.models import Event, StepStatus
from loopengt_hookspecs.patterns import GateFailure, StepOutcome

__all__ = ["StepsFold"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class StepsFold(FoldedState):
    """What ``Fold`` does with events of steps, agents and gates."""

    def _apply_turn(
        self, start: Event, invoke: Event, response: Event, complete: Event
    ) -> StepOutcome | None:
        """Apply a turn that went well at once, which nearly all do; None: it is not one, nothing was applied.

        It comes to the same as applying the four events one by one, in a third of the time.
        """
        name, data, answer, close = start.step or "", start.data, response.data, complete.data
        if (
            not is_turn(start, invoke, response, complete)
            or name in self.open
            or "skipped" in close
            or "items" in close
            or "unknown_costs" in answer
            or not (start.at >= self.at and response.at >= start.at and complete.at >= response.at)
        ):
            return None
        self.seq, self.at = complete.seq, complete.at
        attempt, turn = data["attempt"], data["turn"]
        if turn > self.turn:
            self.turn = turn
        index = self.step_index.get(name)
        if index is not None:
            self.current_step_index = index
            self._done.add(name)
        agent, spent = self._agent(data["agent"]), self._spent(data.get("of", name))
        agent.turns += 1
        agent.invocations += 1
        spent.turns += 1
        output = agent.last_output = answer.get("output")
        agent.last_metadata = metadata = answer.get("metadata") or _NOTHING
        usage = answer.get("token_usage")
        tokens = total_tokens(usage) if usage else 0
        cost = answer.get("cost_usd")
        if cost is None:
            self.unknown_costs += 1
            agent.unknown_costs += 1
            spent.unknown_costs += 1
            cost = 0.0
        seconds = answer.get("duration", 0.0)
        self.tokens += tokens
        self.cost_usd += cost
        agent.add(seconds, tokens, cost)
        spent.add(seconds, tokens, cost)
        known = self.step(name)
        known.status = StepStatus.COMPLETED
        known.attempts = attempt
        known.started_at, known.completed_at = start.at, complete.at
        outcome = known.outcome = self.last_outcome = StepOutcome(
            name, attempt, output, None, (), False, complete.at - start.at, usage or _NOTHING, metadata,
        )  # fmt: skip
        if self.failures:
            self.failures.pop(name, None)
        self.any_completed = True
        if self.history is not None:
            self.history.append(HistoryEntry(turn, complete.at, outcome))
        return outcome

    def _step_start(self, event: Event) -> None:
        name = event.step or ""
        data = event.data
        attempt = data["attempt"]
        turn = data["turn"]
        opened = self.open.get(name)
        if opened is None or opened.occurrence != data["occurrence"]:
            declared = data.get("of", name)
            opened = OpenStep(name, data["occurrence"], turn, data["agent"], attempt, event.at, declared)
            self.open[name] = opened
            self._spent(declared).turns += 1
            self._agent(opened.agent).turns += 1
        else:  # begun again after a crash, or after a retry
            opened.attempt = attempt
            opened.error = None
        opened.run = data.get("run")
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
        agent = self._spend(opened, data, tokens, "cost_usd" not in data)
        agent.last_output = data.get("output")
        agent.last_metadata = data.get("metadata") or _NOTHING

    def _agent_error(self, event: Event) -> None:
        opened = self.open[event.step or ""]
        data = opened.error = event.data
        usage = data.get("token_usage")
        unknown = data.get("cost_source") == "unknown"
        self._spend(opened, data, total_tokens(usage) if usage else 0, unknown).errors += 1

    def _spend(self, opened: OpenStep, data: dict[str, Any], tokens: int, unknown: bool) -> AgentFold:
        """Debit one attempt to the run, its step and its agent."""
        opened.use = None
        seconds, cost = data.get("duration", 0.0), data.get("cost_usd", 0.0)
        self.tokens += tokens
        self.cost_usd += cost
        agent, spent = self._agent(opened.agent), self._spent(opened.declared)
        agent.invocations += 1
        agent.add(seconds, tokens, cost)
        spent.add(seconds, tokens, cost)
        more = data.get("unknown_costs", 0)  # those of a child run
        if unknown or more:
            for used in (self, agent, spent):
                used.unknown_costs += int(unknown) + more
        return agent

    # -- calls of models and tools ------------------------------------------------------------------------------

    def _calls_of(self, event: Event) -> tuple[OpenStep, CallsFold, str] | None:
        """Return what an event of a call belongs to; None: an agent tells of a call that it made by itself."""
        opened, key = self.open.get(event.step or ""), event.data.get("call")
        if opened is None or key is None:
            return None
        if opened.calls is None:
            opened.calls = CallsFold(opened.attempt)
        if event.data.get("anew", 0) > opened.calls.anew:
            opened.calls.begin_anew(event.data["anew"])
        return opened, opened.calls, key

    def _model_response(self, event: Event) -> None:
        found = self._calls_of(event)
        if found is not None:
            opened, calls, key = found
            calls.results[key] = event
            if opened.use is None:
                opened.use = CallsUse()
            opened.use.add(event.data)

    def _tool_call(self, event: Event) -> None:
        if event.data.get("once"):
            found = self._calls_of(event)
            if found is not None:
                _, calls, key = found
                calls.begun[key] = event

    def _tool_result(self, event: Event) -> None:
        found = self._calls_of(event)
        if found is not None:
            _, calls, key = found
            calls.begun.pop(key, None)
            calls.results[key] = event
            if event.type == "tool.result":  # asked for once more, and agreed to
                calls.dropped.pop(event.data.get("digest", ""), None)

    def _memory_read(self, event: Event) -> None:
        if "occurrence" in event.data:  # else an agent tells of its own memory
            self.remembered[event.step or ""] = event.data

    def _gate(self, event: Event) -> None:
        data = event.data
        opened = self.open[event.step or ""]
        if opened.verdicts is None:
            opened.verdicts = {}
        opened.verdicts[data["gate"]] = (event.type == "gate.pass", data.get("feedback", ""))
        if "token_usage" in data or "cost_usd" in data or "unknown_costs" in data:
            self._spend_on_gate(opened, data)

    def _spend_on_gate(self, opened: OpenStep, data: dict[str, Any]) -> None:
        """Debit the agents that a gate has asked to the run and its step; they are none of the loop's."""
        opened.use = None
        usage, cost, unknown = (
            data.get("token_usage", {}),
            data.get("cost_usd", 0.0),
            data.get("unknown_costs", 0),
        )
        tokens = total_tokens(usage) if usage else 0
        self.tokens += tokens
        self.cost_usd += cost
        spent = self._spent(opened.declared)
        spent.add(data.get("duration", 0.0), tokens, cost)
        self.unknown_costs += unknown
        spent.unknown_costs += unknown
        known = opened.token_usage = opened.token_usage or {}
        for kind, count in usage.items():
            known[kind] = known.get(kind, 0) + count

    def _step_retry(self, event: Event) -> None:
        opened = self.open[event.step or ""]
        data = event.data
        opened.delay = data.get("delay", 0.0)
        same = data["attempt"] == opened.attempt
        opened.waited = opened.waited + opened.delay if same else 0.0
        if not same and not data.get("keeps_calls"):
            opened.calls = None
        opened.attempt = data["attempt"]
        opened.feedback = data.get("feedback", opened.feedback)  # a wait for a rate limit leaves it
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
            self.turn = max(self.turn, event.data.get("turn", 0))  # the limit of turns counts it, too
            known.status = StepStatus.SKIPPED
            known.outcome = StepOutcome(name, 0, skipped=True, metadata={"skipped": skipped})
            self.failures.pop(name, None)
            return known.outcome
        known.status = StepStatus.COMPLETED
        if "items" in event.data:
            return self._gather(name, known, event, None)
        return self._close(self.open.pop(name), known, event, None)

    def _gather(self, name: str, known: StepFold, event: Event, error: str | None) -> StepOutcome:
        """Close a for_each step; the event names its instances and repeats none of their outputs."""
        instances = event.data["items"]
        outcome, known.started_at = gather(name, [self.steps[item] for item in instances], event.at, error)
        known.attempts, known.outcome = 1, outcome
        for instance in instances:
            self.failures.pop(instance, None)
        self._note_outcome(outcome, bool(instances))
        return outcome

    def _step_error(self, event: Event) -> StepOutcome:
        if "items" in event.data:
            known = self.step(event.step or "")
            known.completed_at, known.status = event.at, StepStatus.FAILED
            return self._gather(event.step or "", known, event, event.data["error"])
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
        self._note_outcome(outcome, True)
        if self.history is not None:
            self.history.append(HistoryEntry(opened.turn, event.at, outcome))
        return outcome

    def _note_outcome(self, outcome: StepOutcome, worked: bool) -> None:
        if outcome.failures or outcome.error is not None:
            self.failures[outcome.step] = outcome.failures
        else:
            self.failures.pop(outcome.step, None)
        if outcome.error is None:
            self.any_completed = self.any_completed or worked
            self.last_outcome = outcome
