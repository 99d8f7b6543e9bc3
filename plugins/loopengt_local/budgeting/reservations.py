"""What attempts under way may use of the budgets."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from loopengt_local.budgeting.pricing import CHARS_PER_TOKEN

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import OnUnknownCost
    from loopengt_local.budgeting.accounts import Account
    from loopengt_local.budgeting.budgets import Budgets
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline

__all__ = ["SHARED", "Reservation", "declared_need"]

SHARED = ("tokens", "cost_usd")
"""What a sub-loop consumes of its parent's budgets; its turns are its own, and its time is that of one attempt."""


def declared_need(
    step: CompiledStep, request: AgentRequest, mode: OnUnknownCost | None
) -> dict[str, float | None]:
    """Return what an attempt may use at most, by unit, as far as its agent declares it; None: it does not."""
    prompt = len(request.prompt) + len(request.system_prompt)
    limit = step.role.config.max_tokens
    return {
        "tokens": None if limit is None else limit + ceil(prompt / CHARS_PER_TOKEN),
        "cost_usd": step.pricing.most(prompt, mode),
    }


class Reservation:
    """What one attempt may use, then what it has used until the fold knows of it.

    Args:
        budgets: The budgets of its run.
        step: Name of its step, or instance.
        agent: Name of its agent.
        need: What it is expected to use at most, by unit; None: nothing is known.
        declared: Units whose need is declared, and not learned from earlier attempts.
        takes_turn: Whether it begins an execution of its step.
        holds: Whether it stands for a sub-loop, whose own attempts reserve for themselves.
    """

    def __init__(
        self,
        budgets: Budgets,
        step: str,
        agent: str,
        need: dict[str, float | None],
        declared: frozenset[str],
        *,
        takes_turn: bool,
        holds: bool = False,
    ) -> None:
        self.budgets = budgets
        self.step = step
        self.agent = agent
        self.need = need
        self.declared = declared
        self.takes_turn = takes_turn
        self.holds = holds
        self.accounts: tuple[Account, ...] = ()
        self.amounts: dict[tuple[Account, str], float] = {}
        """What is reserved in each account, by unit."""
        self.drawn: dict[str, float] = {}
        """What its attempt has used while it is under way, by unit: it may be more than was reserved."""
        self.used: dict[str, float] | None = None
        """What the attempt has used, once it is over."""
        self.settled_at = 0
        """Position of the event that debits it."""
        self.started_at: int | None = None
        """Position of the event that counts its turn."""
        self.child: Budgets | None = None
        """The budgets of the sub-loop that it stands for, while that runs."""
        self.struck: Account | None = None
        """Whose seconds were over in the midst of it."""
        self.deadline: Deadline | None = None
        self.began = 0.0
        self.suspended = 0.0

    @property
    def is_open(self) -> bool:
        """Whether its attempt is under way and what it uses is not known yet."""
        return self.used is None and not self.holds

    def left(self, unit: str) -> float | None:
        """Return what its attempt can use; None: that is not limited."""
        found = [left for account in self.accounts if (left := account.left(unit, self)) is not None]
        return min(found, default=None)

    def is_folded(self) -> bool:
        """Whether the fold counts it."""
        return self.used is not None and self.budgets.fold.seq >= self.settled_at

    def spent(self, account: Account, unit: str) -> float:
        """Return what is used for certain and not in the account's fold."""
        own = account.owner is self.budgets
        if unit == "turns":
            counted = self.started_at is not None and self.budgets.fold.seq >= self.started_at
            return 1 if own and self.takes_turn and not counted else 0
        if unit == "seconds" and not own:
            return 0
        if self.used is not None:
            return self.used[unit]
        return self.child.total(unit) if self.child is not None and unit in SHARED else 0
