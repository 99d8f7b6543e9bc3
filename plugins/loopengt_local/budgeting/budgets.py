"""Admits attempts within the budgets of a run, its agents and its steps: reserved before, debited after."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from loopengt.journal import CallsUse, Usage, total_tokens
from loopengt_hookspecs.models import End, EndReason, OnUnknownCost
from loopengt_local.budgeting.accounts import Account, Exhausted
from loopengt_local.budgeting.reservations import SHARED, Reservation, declared_need
from loopengt_local.control import EndRun
from loopengt_local.retry import Failure

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline
    from loopengt_local.run import LocalRun

__all__ = ["Budgets"]

_NOTHING = Usage()


class Budgets:
    """The budgets of one run that is driven.

    An attempt reserves what it may use at most: what its agent declares (``config.max_tokens``, and its prompt at four
    characters a token), else the most that one attempt of its agent has used since the run is driven here, else the
    whole rest. What does not fit beside the reservations of others waits for them, in order. A declared size that does
    not fit at all is refused; another is admitted while anything is left. So a limit is overdrawn by the last attempt
    at most, and by what others under way use beyond their reservations (one request each, if the engine makes them).

    Args:
        run: The run.
    """

    def __init__(self, run: LocalRun) -> None:
        self._run = run
        self.fold = fold = run.fold
        spec = run.spec
        self.refuses = spec.policy.budget.on_unknown_cost is OnUnknownCost.REFUSE
        """Whether a run ends when nobody knows what a call has cost."""
        self._of_run = Account(self, "", spec.policy.budget, lambda: fold)
        self._of_agents = {
            role.name: Account(self, f"agent {role.name!r}", role.budget, _use_in(fold.agents, role.name))
            for role in spec.agents
            if role.budget is not None
        }
        self._of_steps = {
            step.name: Account(self, f"step {step.name!r}", step.budget, _use_in(fold.spent, step.name))
            for step in spec.steps
            if step.budget is not None
        }
        self.active = any((self._of_run, *self._of_agents.values(), *self._of_steps.values()))
        """Whether anything is declared that an attempt has to be held against."""
        self.exhausted: Budgets | None = None
        """Whose budget has ended the run: this run's, or that of one that it is a part of."""
        self._parent: Budgets | None = None
        self._holder: Reservation | None = None
        self._holders: dict[str, Reservation] = {}
        """Reservations that stand for sub-loops, by name of the step."""
        self._most: dict[str, dict[str, float]] = {}
        self._waiting: deque[tuple[Reservation, asyncio.Future[End | None]]] = deque()

    # -- sub-loops ----------------------------------------------------------------------------------------------

    @property
    def parent(self) -> Budgets | None:
        """The budgets of the run that this one is a part of, which bound it, too."""
        return self._parent

    def join(self, parent: Budgets, step: str) -> None:
        """Make this run's use that of a step of another run, for as long as that step's attempt is under way.

        To be called before this run is driven.

        Args:
            parent: The budgets of the other run.
            step: Name of its step, or instance.
        """
        self._parent = parent
        self._waiting = parent._waiting
        self._holder = parent._holders.get(step)
        if self._holder is not None:
            self._holder.child = self
        self.active = self.active or parent.active

    def total(self, unit: str) -> float:
        """Return what this run and the sub-loops that are under way have used, tokens or US dollars, and folded."""
        known: float = getattr(self.fold, unit)
        children = [holder.child for holder in self._holders.values() if holder.child is not None]
        return known + sum(child.total(unit) for child in children)

    def has_unknown(self) -> bool:
        """Whether nobody knows what a call of this run, or of a sub-loop under way, has cost."""
        children = [holder.child for holder in self._holders.values() if holder.child is not None]
        return self.fold.unknown_costs > 0 or any(child.has_unknown() for child in children)

    def time_left(self) -> float:
        """Return the seconds that the run, and those that it is a part of, may still be driven."""
        own = self._run.time_limit - self._run.elapsed_now
        return own if self._parent is None else min(own, self._parent.time_left())

    def end_for_time(self, words: str) -> EndRun:
        """Make the exception that ends the run for want of time, its own or that of a run that it is a part of."""
        above = self._parent
        if above is not None and above.time_left() < self._run.time_limit - self._run.elapsed_now:
            self.exhausted = above
        return EndRun(End(EndReason.EXHAUSTED, f"time limit: {words}"))

    # -- an attempt ---------------------------------------------------------------------------------------------

    async def admit(self, step: CompiledStep, request: AgentRequest, *, takes_turn: bool) -> Reservation:
        """Reserve what an attempt may use, and tell its agent; wait until it fits beside the others.

        Args:
            step: The step, or instance.
            request: What its agent is asked; ``tokens_left`` and ``cost_left_usd`` are filled in.
            takes_turn: Whether the attempt begins an execution of the step.

        Raises:
            EndRun: A budget is exhausted.
        """
        reservation = self._reservation(step, request, takes_turn)
        ahead = {account for other, _ in self._waiting for account in other.accounts}
        if not ahead.isdisjoint(reservation.accounts) or not self._enter(reservation):
            ready: asyncio.Future[End | None] = asyncio.get_running_loop().create_future()
            self._waiting.append((reservation, ready))
            try:
                end = await ready
            except asyncio.CancelledError:
                self.release(reservation)
                raise
            end = end or self._run.stop_requested
            if end is not None:
                self.release(reservation)
                raise EndRun(end)
        tokens = reservation.left("tokens")
        request.tokens_left = None if tokens is None else int(tokens)
        request.cost_left_usd = reservation.left("cost_usd")
        return reservation

    def started(self, reservation: Reservation) -> None:
        """The event that counts its turn was noted just now."""
        reservation.started_at = self._run.journal.position

    def begin(self, reservation: Reservation, deadline: Deadline) -> None:
        """The agent is called now: its seconds count, and are ended when they are over."""
        reservation.deadline = deadline
        reservation.began = self.clock()
        for account in reservation.accounts:
            account.begin(reservation)

    def suspend(self, reservation: Reservation) -> None:
        """The attempt waits for a person: its seconds do not count."""
        reservation.suspended = self.clock()
        for account in reservation.accounts:
            account.stop(reservation)

    def go_on(self, reservation: Reservation) -> None:
        """The attempt goes on: its seconds count again."""
        if reservation.used is None:
            reservation.began += self.clock() - reservation.suspended
            for account in reservation.accounts:
                account.begin(reservation)

    def draw(self, reservation: Reservation, step: CompiledStep, use: CallsUse) -> None:
        """Take note of what an attempt that is under way has used so far: that is left for nobody else."""
        reservation.drawn = step.pricing.drawn(use, self.mode(reservation))

    def check_use(self, reservation: Reservation, step: CompiledStep, use: CallsUse) -> None:
        """Hold what an attempt that is under way has used against the budgets, before it uses more.

        Raises:
            EndRun: There is nothing left.
        """
        self.draw(reservation, step, use)
        try:
            for account in reservation.accounts:
                account.check_use(reservation)
        except Exhausted as exc:
            raise self._end(exc) from None

    def settle(self, reservation: Reservation, data: Mapping[str, Any]) -> None:
        """The attempt is over; the event that debits it was noted just now.

        Args:
            reservation: Its reservation.
            data: Data of that event, ``agent.response`` or ``agent.error``.
        """
        usage = data.get("token_usage")
        used = {"tokens": total_tokens(usage) if usage else 0, "cost_usd": data.get("cost_usd", 0.0)}
        most = self._most.setdefault(reservation.agent, {})
        for unit, amount in used.items():
            if unit != "cost_usd" or "cost_usd" in data:
                most[unit] = max(most.get(unit, 0), amount)
        reservation.used = {**used, "seconds": data.get("duration", 0.0)}
        reservation.settled_at = self._run.journal.position
        self._close(reservation)

    def release(self, reservation: Reservation) -> None:
        """The attempt is broken off, or was never made."""
        if reservation.used is not None:
            return
        if reservation.started_at is None:
            for account in reservation.accounts:
                account.remove(reservation)
        else:  # its turn counts
            reservation.used = {"tokens": 0, "cost_usd": 0.0, "seconds": 0.0}
            reservation.settled_at = reservation.started_at
        self._close(reservation)

    def failure_of(self, reservation: Reservation) -> Failure:
        """Make the failure of an attempt in the midst of which the seconds of a budget were over."""
        assert reservation.struck is not None
        return Failure(str(reservation.struck.seconds_over()), ("BudgetExhausted",), fatal=True)

    def check(self, reservation: Reservation, data: Mapping[str, Any]) -> None:
        """Hold an attempt that is over against the budgets.

        Args:
            reservation: Its reservation.
            data: Data of its event, ``agent.response`` or ``agent.error``.

        Raises:
            EndRun: Its seconds were over in the midst of it; or nobody knows what it has cost, and a budget has to.
        """
        if reservation.struck is not None and "error" in data:
            raise self._end(reservation.struck.seconds_over())
        if "cost_usd" not in data and "error" not in data:
            for account in reservation.accounts:
                if account.bounds_cost and account.owner.refuses:
                    raise self._end(account.unheld())

    def mode(self, reservation: Reservation) -> OnUnknownCost | None:
        """Return what the budgets in US dollars that bear on an attempt do about an unknown cost; None: none does."""
        for account in reservation.accounts:
            if account.bounds_cost:
                return account.owner.on_unknown_cost
        return None

    @property
    def on_unknown_cost(self) -> OnUnknownCost:
        """What this run's budgets in US dollars do about an unknown cost."""
        return self._run.spec.policy.budget.on_unknown_cost

    def debit_of(self, reservation: Reservation) -> float | None:
        """Return what a failed attempt counts that does not say what it has cost; None: nobody can tell."""
        counts = self.mode(reservation) in (OnUnknownCost.REFUSE, OnUnknownCost.ESTIMATE)
        return reservation.need["cost_usd"] if counts else None

    # -- inside -------------------------------------------------------------------------------------------------

    def clock(self) -> float:
        """Return the seconds of the event loop's clock."""
        return asyncio.get_running_loop().time()

    def strike(self, deadline: Deadline) -> None:
        """End an attempt before its own time limit."""
        self._run.deadlines.strike(deadline)

    def _reservation(self, step: CompiledStep, request: AgentRequest, takes_turn: bool) -> Reservation:
        if step.spec.loop is not None:
            holder = Reservation(
                self,
                step.name,
                "",
                dict.fromkeys(SHARED, 0.0),
                frozenset(),
                takes_turn=takes_turn,
                holds=True,
            )
            holder.accounts = self._accounts(step.declared, "")
            return holder
        agent = step.role.name
        probe = Reservation(self, step.name, agent, {}, frozenset(), takes_turn=takes_turn)
        probe.accounts = self._accounts(step.declared, agent)
        probe.need = said = declared_need(step, request, self.mode(probe))
        probe.declared = frozenset(unit for unit, known in said.items() if known is not None)
        return probe

    def _accounts(self, step: str, agent: str) -> tuple[Account, ...]:
        own = (self._of_run, self._of_agents.get(agent), self._of_steps.get(step))
        above: tuple[Account, ...] = ()
        if self._parent is not None:
            above = self._holder.accounts if self._holder is not None else self._parent._accounts("", "")
        return (*(account for account in own if account), *above)

    def _enter(self, reservation: Reservation) -> bool:
        """Enter a reservation into its accounts; False: it has to wait.

        Raises:
            EndRun: A budget is exhausted.
        """
        reservation.amounts.clear()
        learned = self._most.get(reservation.agent, {})
        for unit in reservation.need.keys() - reservation.declared:
            reservation.need[unit] = learned.get(unit)
        try:
            fits = [account.admit(reservation) for account in reservation.accounts]
        except Exhausted as exc:
            raise self._end(exc) from None
        if not all(fits):
            return False
        for account in reservation.accounts:
            account.enter(reservation)
        if reservation.holds:
            self._holders[reservation.step] = reservation
        return True

    def _close(self, reservation: Reservation) -> None:
        reservation.child = None
        if self._holders.get(reservation.step) is reservation:
            del self._holders[reservation.step]
        for account in reservation.accounts:
            account.stop(reservation)
        self._advance()

    def _advance(self) -> None:
        """Let those go on who wait and fit now, in order; nobody overtakes another at the same account."""
        passed: set[Account] = set()
        for entry in tuple(self._waiting):
            reservation, ready = entry
            if ready.done():
                self._waiting.remove(entry)
                continue
            try:
                fits = passed.isdisjoint(reservation.accounts) and reservation.budgets._enter(reservation)
            except EndRun as exc:
                self._waiting.remove(entry)
                ready.set_result(exc.end)
                continue
            if fits:
                self._waiting.remove(entry)
                ready.set_result(None)
            else:
                passed.update(reservation.accounts)

    def _end(self, exhausted: Exhausted) -> EndRun:
        self.exhausted = exhausted.owner
        self._run.journal.note("budget.exceeded", None, exhausted.data)
        return EndRun(End(EndReason.EXHAUSTED, str(exhausted)))


def _use_in(known: Mapping[str, Usage], name: str) -> Callable[[], Usage]:
    return lambda: known.get(name, _NOTHING)
