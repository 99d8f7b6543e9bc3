"""Decides whether a failed attempt is tried again, and after which delay."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import AgentError, MissingRequirement

if TYPE_CHECKING:
    from loopengt_hookspecs.models import AgentRole, RetryPolicy, StepSpec

__all__ = ["Failure", "RetryRule"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed."""

    text: str
    kinds: tuple[str, ...]
    """Names of the error's class and its bases, which ``retryable_errors`` may name."""
    fatal: bool = False
    """Nothing but a person can mend it: no retry, no further lap."""
    retry_after: float | None = None

    @classmethod
    def of(cls, exc: BaseException, clean: Callable[[str], str]) -> Failure:
        """Describe an exception that an agent raised; ``clean`` makes its text fit for the journal."""
        kinds = tuple(kind.__name__ for kind in type(exc).__mro__ if kind not in (object, BaseException))
        text = clean(str(exc))
        if isinstance(exc, AgentError):
            extra = getattr(exc, "kinds", ())
            return cls(text, (exc.kind, *extra, *kinds), isinstance(exc, MissingRequirement), exc.retry_after)
        return cls(f"{type(exc).__name__}: {text}" if text else type(exc).__name__, kinds)


@dataclass(frozen=True, slots=True)
class RetryRule:
    """The retries of one step.

    An agent that declares ``retry`` itself decides how often and how long; otherwise the policy does. Which
    errors are worth another attempt is always the policy's.
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
