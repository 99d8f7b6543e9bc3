"""Decides whether a failed attempt is tried again, and after which delay."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import AgentError, MissingRequirement, RateLimited
from loopengt_local.replies import spending

if TYPE_CHECKING:
    from loopengt_hookspecs.models import AgentRole, RetryPolicy, StepSpec

__all__ = ["Failure", "RetryRule"]

_SHORTEST_WAIT = 0.01
"""Seconds that a rate limit is waited out at least, so that one of no time does not keep a run spinning."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed."""

    text: str
    kinds: tuple[str, ...]
    """Names of the error's class and its bases, which ``retryable_errors`` may name."""
    fatal: bool = False
    """Nothing but a person can mend it: no retry, no further lap."""
    retry_after: float | None = None
    """Seconds to wait before another attempt, as the agent's service says."""
    rate_limited: bool = False
    """Nothing was done: the same attempt is made again after ``retry_after``."""
    spent: dict[str, Any] = field(default_factory=dict)
    """Tokens and cost of the failed attempt, as an event has them."""
    starts_over: bool = False
    """Another attempt makes all its calls of models and tools anew."""

    @classmethod
    def recorded(cls, data: Mapping[str, Any]) -> Failure:
        """Return the failure that an ``agent.error`` event tells of."""
        return cls(
            data["error"],
            tuple(data.get("kinds", ())),
            retry_after=data.get("retry_after"),
            starts_over=data.get("starts_over", False),
        )

    @classmethod
    def of(cls, exc: BaseException, clean: Callable[[str], str]) -> Failure:
        """Describe an exception that an agent raised; ``clean`` makes its text fit for the journal."""
        kinds = tuple(kind.__name__ for kind in type(exc).__mro__ if kind not in (object, BaseException))
        text = clean(str(exc))
        if isinstance(exc, AgentError):
            wait = _seconds(getattr(exc, "retry_after", None))
            return cls(
                text,
                (exc.kind, *getattr(exc, "kinds", ()), *kinds),
                isinstance(exc, MissingRequirement),
                wait,
                isinstance(exc, RateLimited) and wait is not None,
                _spent(exc),
                getattr(exc, "starts_over", False) is True,
            )
        return cls(f"{type(exc).__name__}: {text}" if text else type(exc).__name__, kinds)


@dataclass(frozen=True, slots=True)
class RetryRule:
    """The retries of one step.

    How often, and after which delay: an agent that declares ``retry`` decides that for its steps, otherwise
    ``policy.retry`` does; no delay is longer than ``policy.retry.max_delay_seconds``. Which errors are worth another
    attempt is always for ``policy.retry.retryable_errors``, which names their classes or any base class. A failed
    gate with ``on_failure: retry`` is answered at once, as often as an error may be. ``allow_retry: false`` of a step
    goes before all that, and a step with ``effects: once`` is never tried again after an error.

    A delay that the agent's service names (``retry_after``) goes before every other, however long. A rate limit is
    waited out: that is no attempt.
    """

    max_retries: int
    policy: RetryPolicy
    agent_backoff: tuple[float, float] | None = None
    """First delay in seconds and its multiplier, when the agent declares them."""

    @classmethod
    def of(cls, policy: RetryPolicy, role: AgentRole, step: StepSpec) -> RetryRule:
        """Make the rule of a step from the policy, the agent's own retries and the step's ``allow_retry``."""
        own = "retry" in role.model_fields_set
        retries = role.retry.max_retries if own else policy.max_retries
        backoff = (role.retry.backoff_seconds, role.retry.backoff_multiplier) if own else None
        return cls(retries if step.allow_retry else 0, policy, backoff)

    def allows(self, failure: Failure, attempt: int) -> bool:
        """Whether an attempt (from 1) that failed so is followed by another."""
        if failure.fatal or attempt > self.max_retries:
            return False
        return any(kind in self.policy.retryable_errors for kind in failure.kinds)

    def delay(self, failure: Failure, attempt: int) -> float:
        """Return the seconds to wait after a failed attempt (from 1)."""
        if failure.retry_after is not None:
            return failure.retry_after
        if self.agent_backoff is not None:
            first, multiplier = self.agent_backoff
            delay = min(first * multiplier ** min(attempt - 1, 64), self.policy.max_delay_seconds)
        else:
            delay = self.policy.compute_delay(attempt - 1)
        # Full jitter up to a half keeps concurrent loops from knocking in step.
        return delay * random.uniform(0.5, 1.0) if self.policy.jitter else delay  # noqa: S311

    def rate_limit_delay(self, failure: Failure, waits: int) -> float:
        """Return the seconds to wait out a rate limit.

        Args:
            failure: What the agent said.
            waits: How often this attempt has waited before. A service that names less than a second over and over
                is asked less and less often, after the delays of the policy.
        """
        named = failure.retry_after or 0.0
        least = self.policy.compute_delay(waits - 1) if waits and named < 1 else 0.0
        return max(named, least, _SHORTEST_WAIT)


def _seconds(given: object) -> float | None:
    """Return a delay that an agent names; None for what is no number of seconds."""
    if isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
        return float(given)
    return None


def _spent(error: AgentError) -> dict[str, Any]:
    try:
        return spending(error.token_usage, error.cost_usd)
    except (AttributeError, TypeError):  # nonsense about tokens must not hide the error itself
        return {}
