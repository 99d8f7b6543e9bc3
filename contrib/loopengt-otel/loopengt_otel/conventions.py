"""Names of spans, events and attributes that OpenTelemetry and its receivers know.

The names for generative AI are those of the semantic conventions 1.41.0, the last release that had them in the common
repository; they are still in development, and have moved to one of their own since. They stand here, since the
constants of the Python package move with each of its releases.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"

# What is done
OPERATION: Final = "gen_ai.operation.name"
WORKFLOW: Final = "gen_ai.workflow.name"
AGENT: Final = "gen_ai.agent.name"
CONVERSATION: Final = "gen_ai.conversation.id"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TOOL: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
ERROR_TYPE: Final = "error.type"

# What it was about; sent only when it is asked for
INPUT: Final = "gen_ai.input.messages"
OUTPUT: Final = "gen_ai.output.messages"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"

# What it has used, by our own names of the kinds
USAGE: Final = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}

# What judges say
EVALUATION: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_WHY: Final = "gen_ai.evaluation.explanation"
LOG_UID: Final = "log.record.uid"

# Names that the conventions have for providers that go by another one here
PROVIDERS: Final = {
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
TOOL_TYPES: Final = {"function": "function", "builtin": "function", "mcp": "extension"}

# OpenInference, which Phoenix goes by where the conventions have no word
SPAN_KIND: Final = "openinference.span.kind"
PROJECT: Final = "openinference.project.name"

# Our own
RUN: Final = "loopengt.run.id"
PATTERN: Final = "loopengt.pattern"
REASON: Final = "loopengt.reason"
GOAL: Final = "loopengt.goal"
DETAIL: Final = "loopengt.detail"
TURN: Final = "loopengt.turn"
TURNS: Final = "loopengt.turns"
STEP: Final = "loopengt.step.name"
OCCURRENCE: Final = "loopengt.step.occurrence"
ITEM_OF: Final = "loopengt.step.of"
ATTEMPT: Final = "loopengt.attempt"
ATTEMPTS: Final = "loopengt.attempts"
OUTCOME: Final = "loopengt.outcome"
TOKENS: Final = "loopengt.usage.total_tokens"
COST: Final = "loopengt.cost_usd"
CALL_COST: Final = "loopengt.call.cost_usd"
COST_SOURCE: Final = "loopengt.cost_source"
UNKNOWN_COSTS: Final = "loopengt.unknown_costs"
GATE: Final = "loopengt.gate.name"
GATE_KIND: Final = "loopengt.gate.kind"
GATE_PASSED: Final = "loopengt.gate.passed"
GATE_PROOF: Final = "loopengt.gate.proof"
GATE_FEEDBACK: Final = "loopengt.gate.feedback"
CALL: Final = "loopengt.call"
THRESHOLD: Final = "loopengt.judge.threshold"
EVALUATION_ID: Final = "loopengt.evaluation.id"
FORKED_FROM: Final = "loopengt.forked_from"
CONTINUED: Final = "loopengt.continued"
