"""The limits of a run and what follows a failure: retries, budgets and verification gates."""

from __future__ import annotations

import math
import re
from typing import Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from loopengt_hookspecs.models._base import Declarative, Name, OpenDict, Reference
from loopengt_hookspecs.models.enums import (
    BackoffKind,
    Direction,
    GateKind,
    OnFailure,
    OnTimeout,
    OnUnknownCost,
)

__all__ = [
    "Budget",
    "NoProgress",
    "Policy",
    "ProgressMetric",
    "RetryPolicy",
    "RunBudget",
    "VerificationGate",
]
from loopengt_hookspecs.models.evals import NamedJudge


class RetryPolicy(Declarative):
    """How often, and after which delay, a failed step is tried again."""

    max_retries: int = Field(
        default=3, ge=0, description="Further attempts after the first; 0 means one attempt."
    )
    initial_delay_seconds: float = Field(
        default=1.0, ge=0, description="Seconds to wait before the first retry."
    )
    backoff: BackoffKind = Field(default=BackoffKind.EXPONENTIAL, description="How the delay grows.")
    max_delay_seconds: float = Field(default=60.0, ge=0, description="Longest delay in seconds.")
    jitter: bool = Field(default=True, description="Whether the engine varies the delay at random.")
    retryable_errors: list[str] = Field(
        default_factory=lambda: ["TimeoutError", "ConnectionError"],
        description="Class names of the errors to try again; a failed gate with on_failure: retry always is.",
    )
    max_rate_limit_wait_seconds: float = Field(
        default=21600.0,
        ge=0,
        description="Longest wait in seconds for a rate limit that an agent declares; waiting is no attempt.",
    )

    def compute_delay(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt, before jitter.

        Args:
            attempt: The attempt that failed, counted from 0.

        Raises:
            ValueError: The attempt is negative.
        """
        if attempt < 0:
            raise ValueError(f"attempt {attempt} is negative: attempts are counted from 0")
        try:
            delay = self._uncapped_delay(attempt)
        except OverflowError:
            return self.max_delay_seconds
        return min(delay, self.max_delay_seconds)

    def _uncapped_delay(self, attempt: int) -> float:
        if self.backoff is BackoffKind.CONSTANT:
            return self.initial_delay_seconds
        if self.backoff is BackoffKind.LINEAR:
            return self.initial_delay_seconds * (attempt + 1)
        return math.ldexp(self.initial_delay_seconds, attempt)


class VerificationGate(Declarative):
    """A check that the engine runs on a step's result before the step counts as completed."""

    name: Name = Field(description="Name by which steps refer to the gate.")
    description: str = Field(default="", description="What the gate proves.")
    kind: Reference = Field(
        default=GateKind.EXPRESSION.value,
        description="How the gate checks: expression, command, schema, judge, approval or a registered kind.",
        examples=[kind.value for kind in GateKind],
    )
    condition: str = Field(
        default="", description="Expression on the step's result; truthy passes. Kind expression."
    )
    command: list[str] | str | None = Field(
        default=None,
        description="Argument list, or a string for the shell; exit code 0 passes. Kind command.",
    )
    output_pattern: str | None = Field(
        default=None, description="Regular expression that the command's output must contain. Kind command."
    )
    min_tests: int | None = Field(
        default=None, ge=0, description="Fewest tests that the command must report as run. Kind command."
    )
    schema_def: OpenDict | None = Field(
        default=None,
        validation_alias=AliasChoices("schema", "schema_def"),
        serialization_alias="schema",
        description="JSON Schema that the step's output must satisfy. Kind schema.",
    )
    judge: NamedJudge | None = Field(
        default=None,
        description="The judge that scores the output: the name of a registered one, or its declaration. Kind judge.",
    )
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="Lowest score that passes, 0 to 1; null: 0.8. Kind judge."
    )
    timeout_seconds: float = Field(default=300.0, gt=0, description="Seconds that one check may take.")
    on_failure: OnFailure = Field(default=OnFailure.RETRY, description="What follows when the gate fails.")
    on_timeout: OnTimeout = Field(
        default=OnTimeout.REJECT,
        description="What an approval is when nobody answers within timeout_seconds; without a "
        "timeout_seconds of its own an approval waits for ever. Kind approval.",
    )
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )

    @field_validator("output_pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind == GateKind.EXPRESSION and not self.condition.strip():
            hint = ", or kind: command to run its command" if self.command else ""
            raise ValueError(f"the expression gate {self.name!r} has no condition: add one{hint}")
        if self.kind == GateKind.COMMAND and not self._program():
            raise ValueError(
                f"the command gate {self.name!r} has no command: add command, such as [pytest, -q]"
            )
        # An empty schema or no judge would let everything pass; a gate must be able to fail.
        if self.kind == GateKind.SCHEMA and not self.schema_def:
            raise ValueError(f"the schema gate {self.name!r} has no schema: add a JSON Schema under schema")
        if self.kind == GateKind.JUDGE and not self.judge:
            raise ValueError(f"the judge gate {self.name!r} names no judge: add judge")
        return self

    def _program(self) -> str:
        first = self.command[0] if isinstance(self.command, list) and self.command else self.command
        return first.strip() if isinstance(first, str) else ""


class Budget(Declarative):
    """What a run, an agent or a step may consume. A field that is null sets no limit."""

    max_turns: int | None = Field(default=None, ge=1, description="Most turns, that is executions of steps.")
    max_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Most seconds: of a run, those that it is driven; else those that agents work.",
    )
    max_tokens: int | None = Field(default=None, ge=1, description="Most tokens.")
    max_cost_usd: float | None = Field(default=None, gt=0, description="Most US dollars.")


class RunBudget(Budget):
    """What a whole run may consume."""

    on_unknown_cost: OnUnknownCost = Field(
        default=OnUnknownCost.REFUSE,
        description="What a max_cost_usd does about an agent of which nobody knows what it costs.",
    )


class ProgressMetric(Declarative):
    """A number that has to move; declared, it alone decides what counts as progress."""

    expression: str = Field(default="", description="Expression whose value is the number.")
    command: list[str] | str | None = Field(
        default=None, description="Command that prints the number on its last line; run in the workspace."
    )
    direction: Direction = Field(default=Direction.UP, description="Which way is better.")
    min_change: float = Field(default=0.0, ge=0, description="A change has to be larger than this.")
    timeout_seconds: float = Field(default=60.0, gt=0, description="Seconds that the command may take.")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.expression.strip()) == bool(self.command):
            raise ValueError("a metric is either an expression or a command: give one of them")
        return self


class NoProgress(Declarative):
    """When a run that goes in circles is ended."""

    max_repeats: int | None = Field(
        default=None,
        ge=1,
        description="Times that a step may come to nothing new, one after the other; null: no limit.",
    )
    metric: ProgressMetric | None = Field(
        default=None,
        description="What counts as progress; null: a workspace, gate failures or output not seen before.",
    )

    @model_validator(mode="after")
    def _metric_has_a_limit(self) -> Self:
        if self.metric is not None and self.max_repeats is None:
            raise ValueError("the metric is of no use without max_repeats: add max_repeats, such as 3")
        return self


class Policy(Declarative):
    """The limits within which a run may work."""

    max_turns: int = Field(default=50, ge=1, description="Most turns of a run.")
    max_total_time_seconds: float = Field(default=3600.0, gt=0, description="Most seconds of a run.")
    retry: RetryPolicy = Field(default_factory=RetryPolicy, description="Retries of failed steps.")
    verification_gates: list[VerificationGate] = Field(
        default_factory=list, description="Gates that steps can name in their verification_gates."
    )
    allow_parallel: bool = Field(
        default=False, description="Whether independent steps may run at the same time."
    )
    max_concurrency: int = Field(default=4, ge=1, description="Most steps that run at the same time.")
    fail_fast: bool = Field(default=True, description="Whether the first failed step ends the run.")
    budget: RunBudget = Field(default_factory=RunBudget, description="Most tokens and cost of a run.")
    no_progress: NoProgress = Field(default_factory=NoProgress, description="When a run in circles is ended.")
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )
