"""The defaults of the declarative models, as the contract names them."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt_hookspecs.models import (
    AgentConfig,
    AgentRole,
    Declarative,
    LoopTrigger,
    OutputSchema,
    Policy,
    RetryConfig,
    RetryPolicy,
    StepDependency,
    StepSpec,
    StopCondition,
    ToolAuth,
    ToolSpec,
    VerificationGate,
)


@pytest.mark.parametrize(
    ("model", "required", "defaults"),
    [
        (RetryConfig, {}, {"max_retries": 3, "backoff_seconds": 1.0, "backoff_multiplier": 2.0}),
        (
            AgentConfig,
            {},
            {"provider": "openai", "model": "gpt-4o", "temperature": 0.7, "max_tokens": None, "extra": {}},
        ),
        (
            AgentRole,
            {"name": "a"},
            {
                "description": "",
                "system_prompt": "",
                "capabilities": [],
                "input_schema": None,
                "output_schema": None,
                "tools": [],
                "timeout_seconds": 300.0,
                "retry": RetryConfig().model_dump(),
                "budget": None,
                "price": None,
                "config": AgentConfig().model_dump(),
                "metadata": {},
            },
        ),
        (ToolAuth, {}, {"method": "none", "env_var": None, "header_name": "Authorization", "extra": {}}),
        (
            ToolSpec,
            {"name": "t", "function_ref": "a.b"},
            {
                "description": "",
                "tool_type": "function",
                "schema_def": {},
                "return_schema": None,
                "auth": ToolAuth().model_dump(),
                "timeout_seconds": 60.0,
                "mcp_server": None,
                "mcp_tools": [],
                "effects": None,
                "require_approval": False,
                "options": {},
                "metadata": {},
            },
        ),
        (
            RetryPolicy,
            {},
            {
                "max_retries": 3,
                "initial_delay_seconds": 1.0,
                "backoff": "exponential",
                "max_delay_seconds": 60.0,
                "jitter": True,
                "retryable_errors": ["TimeoutError", "ConnectionError"],
                "max_rate_limit_wait_seconds": 21600.0,
            },
        ),
        (
            VerificationGate,
            {"name": "g", "condition": "output"},
            {
                "description": "",
                "kind": "expression",
                "command": None,
                "output_pattern": None,
                "min_tests": None,
                "schema_def": None,
                "judge": None,
                "threshold": None,
                "timeout_seconds": 300.0,
                "on_failure": "retry",
                "on_timeout": "reject",
                "metadata": {},
            },
        ),
        (
            Policy,
            {},
            {
                "max_turns": 50,
                "max_total_time_seconds": 3600.0,
                "retry": RetryPolicy().model_dump(),
                "verification_gates": [],
                "allow_parallel": False,
                "max_concurrency": 4,
                "fail_fast": True,
                "budget": {
                    "max_turns": None,
                    "max_seconds": None,
                    "max_tokens": None,
                    "max_cost_usd": None,
                    "on_unknown_cost": "refuse",
                },
                "no_progress": {"max_repeats": None, "metric": None},
                "metadata": {},
            },
        ),
        (StepDependency, {"step_name": "s"}, {"condition": None}),
        (
            StepSpec,
            {"name": "s", "agent": "a"},
            {
                "description": "",
                "loop": None,
                "inputs": {},
                "for_each": None,
                "budget": None,
                "checkpoint": False,
                "prompt_template": "",
                "prompt_engine": "simple",
                "tools": [],
                "dependencies": [],
                "verification_gates": [],
                "timeout_seconds": None,
                "allow_retry": True,
                "effects": "idempotent",
                "memory": None,
                "context_tokens": None,
                "summarizer": "extractive",
                "session": "fresh",
                "metadata": {},
            },
        ),
        (LoopTrigger, {}, {"trigger_type": "manual", "config": {}}),
        (StopCondition, {"condition_type": "manual"}, {"value": None, "description": ""}),
        (OutputSchema, {}, {"schema_def": {}, "required_fields": [], "description": ""}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_defaults(model: type[Declarative], required: dict[str, Any], defaults: dict[str, Any]) -> None:
    """A model that is given only what it requires has the contract's defaults and no other field."""
    assert model.model_validate(required).model_dump(mode="json") == {**required, **defaults}
