"""Puts a price on an attempt: what the agent reports, else an estimate, else nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from loopengt.journal import total_tokens
from loopengt.prices import has_known_cost, list_price, model_of
from loopengt_hookspecs.models import OnUnknownCost

if TYPE_CHECKING:
    from loopengt.journal import CallsUse
    from loopengt_hookspecs.models import AgentRole
    from loopengt_local.budgeting.budgets import Budgets
    from loopengt_local.budgeting.reservations import Reservation
    from loopengt_local.compiled import CompiledStep

__all__ = ["CHARS_PER_TOKEN", "Pricing", "price_attempt", "split_usage"]

CHARS_PER_TOKEN = 4
"""Characters that are taken for a token where nothing was counted."""

_LARGE_MODEL = (15.0, 75.0)
"""US dollars for a million prompt and completion tokens of a large model, for ``on_unknown_cost: estimate``."""

_PROMPT = ("prompt_tokens", "input_tokens")
_COMPLETION = ("completion_tokens", "output_tokens")


class Pricing:
    """What the attempts of one agent cost.

    Args:
        role: The agent's role as declared.
        agent: The agent.
    """

    def __init__(self, role: AgentRole, agent: object) -> None:
        self.free = bool(getattr(agent, "free", False))
        """Whether the agent never costs anything."""
        self._role = role
        self._agent = agent
        self._price = role.price
        self._model = model_of(role, agent)

    @cached_property
    def is_known(self) -> bool:
        """Whether the cost of a call is told or can be estimated."""
        return has_known_cost(self._role, self._agent)

    def fill_in(
        self,
        data: dict[str, Any],
        mode: OnUnknownCost | None,
        prompt: int,
        output: int,
        *,
        debit: float | None = None,
    ) -> None:
        """Add to the data of ``agent.response`` or ``agent.error`` what the attempt has cost, and who says so.

        Args:
            data: The event's data; without ``cost_usd`` where the agent has not reported it.
            mode: What the budgets in US dollars do about an unknown cost; None: there is no such budget.
            prompt: Characters of the prompt.
            output: Characters of the output.
            debit: What counts where nobody knows: the size that the attempt was expected to have at most.
        """
        usage = data.get("token_usage", {})
        if self.free:
            cost: float | None = 0.0
        else:
            cost = self.estimate(usage, called=True)
            if cost is None and mode is OnUnknownCost.ESTIMATE:
                cost = _at(_LARGE_MODEL, *split_usage(usage or _guessed(prompt, output)))
            elif cost is None and mode is OnUnknownCost.TOKENS and not usage:
                data["token_usage"] = _guessed(prompt, output)
                data["tokens_estimated"] = True
        if cost is None and debit is not None:
            cost = debit
        if cost is not None:
            data["cost_usd"] = cost
        data["cost_source"] = self._source(cost)

    def estimate(self, usage: Mapping[str, int], *, called: bool) -> float | None:
        """Return what an attempt with so many tokens costs by the declared price or the model's list price.

        Args:
            usage: Tokens by kind.
            called: Whether it is over: then a price by token needs tokens that were counted.
        """
        price = self._price
        if price is not None:
            rates = (price.input_usd_per_million, price.output_usd_per_million)
            if any(rates) and called and not usage:
                return None
            return price.per_call_usd + _at(rates, *split_usage(usage))
        if self._model and usage:
            known = {kind: usage[kind] for kind in ("cached_tokens", "cache_write_tokens") if kind in usage}
            return list_price(self._model, *split_usage(usage), **known)
        return None

    def drawn(self, use: CallsUse, mode: OnUnknownCost | None) -> dict[str, float]:
        """Return what the requests of an attempt have used so far, as far as anybody can tell: tokens and US dollars.

        Args:
            use: Their tokens, and what they say of their cost.
            mode: As for ``fill_in``.
        """
        cost: float | None = use.cost_usd
        if use.unpriced:
            cost = 0.0 if self.free else self.estimate(use.token_usage, called=True)
            if cost is None and mode is OnUnknownCost.ESTIMATE:
                cost = _at(_LARGE_MODEL, *split_usage(use.token_usage))
        return {"tokens": use.tokens, "cost_usd": cost or 0.0}

    def most(self, prompt: int, mode: OnUnknownCost | None) -> float | None:
        """Return the most that an attempt may cost, in US dollars, where that can be said beforehand; else None.

        Args:
            prompt: Characters of the prompt.
            mode: As for ``fill_in``.
        """
        if self.free:
            return 0.0
        price, limit = self._price, self._role.config.max_tokens
        if price is not None and not price.input_usd_per_million and not price.output_usd_per_million:
            return price.per_call_usd
        if limit is not None:
            usage = {"prompt_tokens": ceil(prompt / CHARS_PER_TOKEN), "completion_tokens": limit}
            cost = self.estimate(usage, called=False)
            if cost is None and mode is OnUnknownCost.ESTIMATE:
                cost = _at(_LARGE_MODEL, *split_usage(usage))
            if cost is not None:
                return cost
        if mode in (OnUnknownCost.TOKENS, OnUnknownCost.IGNORE) and not self.is_known:
            return 0.0
        return None

    def _source(self, cost: float | None) -> Literal["reported", "estimated", "unknown"]:
        if cost is None:
            return "unknown"
        return "reported" if self.free else "estimated"


def price_attempt(
    step: CompiledStep,
    budgets: Budgets,
    reservation: Reservation | None,
    data: dict[str, Any],
    prompt: int,
    output: int,
) -> None:
    """Add to an event's data what an attempt has cost that does not say so.

    Args:
        step: The step.
        budgets: The budgets of the run.
        reservation: What was reserved for the attempt; None: no budget bears on it.
        data: Data of ``agent.response`` or ``agent.error``.
        prompt: Characters of the prompt.
        output: Characters of the output.
    """
    mode = debit = None
    failed = "error" in data
    if reservation is not None:
        mode = budgets.mode(reservation)
        debit = budgets.debit_of(reservation) if failed else None
    step.pricing.fill_in(data, mode, prompt, output, debit=debit)
    if failed and mode is None and data["cost_source"] == "unknown":
        del data["cost_source"]  # most calls that fail have cost nothing; only a budget has to fear the worst


def split_usage(usage: Mapping[str, int]) -> tuple[int, int]:
    """Return the tokens of a usage as prompt and completion; what is neither counts as completion, the dearer."""
    prompt = next((usage[kind] for kind in _PROMPT if kind in usage), 0)
    completion = next((usage[kind] for kind in _COMPLETION if kind in usage), 0)
    return prompt, max(completion, total_tokens(usage) - prompt)


def _guessed(prompt: int, output: int) -> dict[str, int]:
    return {
        "prompt_tokens": ceil(prompt / CHARS_PER_TOKEN),
        "completion_tokens": ceil(output / CHARS_PER_TOKEN),
    }


def _at(rates: tuple[float, float], prompt: int, completion: int) -> float:
    return (rates[0] * prompt + rates[1] * completion) / 1e6
