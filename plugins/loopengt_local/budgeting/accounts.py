"""The accounts of a run's budgets: what each allows, what is used of it, and what is reserved by attempts under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopengt_local.budgeting.reservations import SHARED

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Budget
    from loopengt_local.budgeting.budgets import Budgets
    from loopengt_local.budgeting.reservations import Reservation

__all__ = ["Account", "Exhausted"]

TINY = 1e-9
"""Differences below this are those of floating-point arithmetic."""

_FIELDS = {"turns": "max_turns", "seconds": "max_seconds", "tokens": "max_tokens", "cost_usd": "max_cost_usd"}
_WORDS = {
    "turns": "{} of {} turns were taken",
    "seconds": "{} of {} seconds were worked",
    "tokens": "{} of {} tokens are used",
    "cost_usd": "{} of {} USD are spent",
}


class Exhausted(Exception):
    """An attempt may not be made.

    Args:
        data: Data of the ``budget.exceeded`` event.
        words: What to say of it.
        owner: Whose budget forbids it.
    """

    def __init__(self, data: dict[str, Any], words: str, owner: Budgets) -> None:
        super().__init__(words)
        self.data = data
        self.owner = owner


class Account:
    """One declared budget.

    Args:
        owner: The budgets that it belongs to.
        scope: Whose budget it is, such as ``agent 'coder'``; empty: the run's.
        budget: The declaration.
        usage: Returns what the fold knows of its use.
    """

    def __init__(self, owner: Budgets, scope: str, budget: Budget, usage: Callable[[], Any]) -> None:
        self.owner = owner
        self.scope = scope
        units = _FIELDS if scope else {unit: _FIELDS[unit] for unit in SHARED}
        declared = {unit: getattr(budget, field) for unit, field in units.items()}
        self._limits: dict[str, float] = {
            unit: limit for unit, limit in declared.items() if limit is not None
        }
        self._usage = usage
        self._entries: list[Reservation] = []
        self._live: list[Reservation] = []
        """Attempts whose seconds are counted now."""
        self._timer: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._limits)

    @property
    def bounds_cost(self) -> bool:
        """Whether it limits US dollars."""
        return "cost_usd" in self._limits

    @property
    def is_busy(self) -> bool:
        """Whether attempts are under way that will give something back."""
        return any(entry.is_open for entry in self._entries)

    def limit(self, unit: str) -> float:
        """Return the limit as of now."""
        return self._limits[unit] + (0 if self.scope else self.owner.fold.added.get(unit, 0))

    def used(self, unit: str) -> float:
        """Return what is used for certain."""
        self._entries = [entry for entry in self._entries if not entry.is_folded()]
        known: float = getattr(self._usage(), unit)
        return known + sum(entry.spent(self, unit) for entry in self._entries)

    def left(self, unit: str, reservation: Reservation) -> float | None:
        """Return what an attempt can use; None: it is not limited."""
        if unit not in self._limits:
            return None
        others = sum(
            max(entry.amounts.get((self, unit), 0), entry.drawn.get(unit, 0))
            for entry in self._entries
            if entry.is_open and entry is not reservation
        )
        return max(0.0, self.limit(unit) - self.used(unit) - others)

    # -- admission --------------------------------------------------------------------------------------------

    def admit(self, reservation: Reservation) -> bool:
        """Find what to reserve for an attempt; False: it has to wait for others.

        Raises:
            Exhausted: It does not fit, and there is nothing to wait for.
        """
        if self.bounds_cost and self.owner.refuses and self._usage_unknown():
            if self.is_busy:
                return False
            raise self.unheld()
        return all(self._admit(unit, reservation) for unit in self._limits)

    def _admit(self, unit: str, reservation: Reservation) -> bool:
        own = reservation.budgets is self.owner
        if unit not in SHARED and not own:
            return True
        if unit == "turns" and not reservation.takes_turn:
            return True
        limit, used = self.limit(unit), self.used(unit)
        if unit == "seconds":
            used += self._working()
        if used >= limit - TINY:
            return self._wait_or(self._used_up(unit, used, limit))
        if unit not in SHARED or reservation.holds:
            return True
        rest = self.left(unit, reservation)
        assert rest is not None
        need = reservation.need[unit]
        if need is None:
            need = rest
            if need <= TINY:
                return self._wait_or(self._used_up(unit, used, limit))
        elif need > rest + TINY:
            if self.is_busy:
                return False
            if unit in reservation.declared:
                raise self._too_large(unit, reservation, need, rest, limit)
        reservation.amounts[self, unit] = need
        return True

    def check_use(self, reservation: Reservation) -> None:
        """Hold what an attempt under way has used against what is left for it.

        Raises:
            Exhausted: It has used all of it.
        """
        for unit, amount in reservation.drawn.items():
            left = self.left(unit, reservation)
            if left is not None and amount >= left - TINY:
                raise self._used_up(unit, self.used(unit) + amount, self.limit(unit))

    def enter(self, reservation: Reservation) -> None:
        """Keep a reservation that was admitted."""
        self._entries.append(reservation)

    def remove(self, reservation: Reservation) -> None:
        """Drop a reservation of which nothing was used."""
        if reservation in self._entries:
            self._entries.remove(reservation)

    def _usage_unknown(self) -> bool:
        return self._usage().unknown_costs > 0 or any(
            entry.child is not None and entry.child.has_unknown() for entry in self._entries
        )

    def _wait_or(self, exhausted: Exhausted) -> bool:
        if self.is_busy:
            return False
        raise exhausted

    # -- seconds ----------------------------------------------------------------------------------------------

    def begin(self, reservation: Reservation) -> None:
        """Count the seconds of an attempt from now on."""
        if "seconds" in self._limits and reservation.budgets is self.owner:
            self._live.append(reservation)
            self._arm()

    def stop(self, reservation: Reservation) -> None:
        """The attempt is over."""
        if reservation in self._live:
            self._live.remove(reservation)
            self._arm()

    def _working(self) -> float:
        now = self.owner.clock()
        return sum(now - entry.began for entry in self._live)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._live:
            rest = self.limit("seconds") - self.used("seconds") - self._working()
            # Attempts that work at the same time use the rest up together.
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, rest) / len(self._live), self._strike)

    def _strike(self) -> None:
        self._timer = None
        if self.limit("seconds") - self.used("seconds") - self._working() > 0.001:
            self._arm()
            return
        for entry in self._live:
            entry.struck = self
            if entry.deadline is not None:
                self.owner.strike(entry.deadline)
        self._live.clear()

    # -- words ------------------------------------------------------------------------------------------------

    def seconds_over(self) -> Exhausted:
        """Say that its seconds are over."""
        limit = self.limit("seconds")
        return self._used_up("seconds", limit, limit)

    def unheld(self) -> Exhausted:
        """Say that nobody knows what was spent."""
        name = self._name("cost_usd")
        data = {"budget": name, "used": None, "limit": self.limit("cost_usd")}
        return Exhausted(
            data,
            f"{name} cannot be held: there was a call of which nobody knows what it has cost; give its agent "
            "a price, or set policy.budget.on_unknown_cost",
            self.owner,
        )

    def _used_up(self, unit: str, used: float, limit: float) -> Exhausted:
        words = _WORDS[unit].format(_shown(unit, used), _shown(unit, limit))
        if used > limit + TINY:
            words += f", {_shown(unit, used - limit)} too many"
        name = self._name(unit)
        return Exhausted({"budget": name, "used": used, "limit": limit}, f"{name}: {words}", self.owner)

    def _too_large(
        self, unit: str, reservation: Reservation, need: float, rest: float, limit: float
    ) -> Exhausted:
        name = self._name(unit)
        what = "tokens" if unit == "tokens" else "USD"
        data = {"budget": name, "used": self.used(unit), "limit": limit, "needed": need}
        return Exhausted(
            data,
            f"{name}: an attempt at step {reservation.step!r} may use {_shown(unit, need)} {what} "
            f"(the max_tokens of its agent, and its prompt), and {_shown(unit, rest)} of "
            f"{_shown(unit, limit)} are left",
            self.owner,
        )

    def _name(self, unit: str) -> str:
        return f"budget.{_FIELDS[unit]}{f' of {self.scope}' if self.scope else ''}"


def _shown(unit: str, amount: float) -> str:
    return f"{amount:.4f}".rstrip("0").rstrip(".") if unit in ("cost_usd", "seconds") else f"{amount:.0f}"
