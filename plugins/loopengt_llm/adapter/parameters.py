"""Turns a request's tools, schema and settings into those of pydantic-ai."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_llm.adapter.errors import rejected

if TYPE_CHECKING:
    from pydantic_ai.models import ModelRequestParameters

    from loopengt_hookspecs.model_adapters import ModelRequest, ModelSettings
    from loopengt_llm.adapter.connection import Connection

__all__ = ["parameters", "settings_of"]

_REFUSED = {
    "extra_headers": "Name headers in config.extra.headers_env.",
    "first_event_timeout": "Set timeout_seconds of the agent.",
    "max_retries": "Retries are the loop's: set policy.retry.",
    "max_tokens": "Set config.max_tokens.",
    "request_timeout": "Set timeout_seconds of the agent.",
    "temperature": "Set config.temperature.",
    "timeout": "Set timeout_seconds of the agent.",
    "tool_choice": "Which tools there are, the agent says.",
}
_WRITTEN_BY_US = {"messages", "model", "response_format", "stream", "stream_options", "tools"}


def settings_of(request: ModelRequest, connection: Connection, model: ModelSettings) -> dict[str, Any]:
    """Return the settings of a request as pydantic-ai names them.

    A setting that pydantic-ai does not know, with the service's prefix or without, goes into the body as it is.

    Raises:
        AgentError: ``RequestRejected``: a setting that stands elsewhere, or that the service cannot be sent.
    """
    found: dict[str, Any] = dict(connection.preset)
    body: dict[str, Any] = {}
    for name, value in request.settings.items():
        if name in _REFUSED or name in _WRITTEN_BY_US:
            remedy = _REFUSED.get(name, f"Leave {name} out of the settings.")
            raise rejected(model, f"the setting {name} cannot be set here", remedy)
        known = next((key for key in _names(name, connection) if key in connection.setting_names), None)
        if known is not None:
            found[known] = value
        elif connection.open_body:
            body[name] = value
        else:
            raise rejected(model, f"the setting {name} is unknown", "Leave it out, or correct its name.")
    if body:
        found["extra_body"] = {**found.get("extra_body", {}), **body}
    if request.temperature is not None:
        found["temperature"] = request.temperature
    if request.max_tokens is not None:
        found["max_tokens"] = request.max_tokens
    if request.tools and request.tool_choice != "auto":
        found["tool_choice"] = request.tool_choice
    return found


def _names(name: str, connection: Connection) -> tuple[str, ...]:
    return (name, *(prefix + name for prefix in connection.prefixes))


def parameters(request: ModelRequest) -> ModelRequestParameters:
    """Return a request's tools and schema as pydantic-ai takes them."""
    from pydantic_ai import ToolDefinition
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition

    tools = [
        ToolDefinition(
            name=offer.name,
            description=offer.description,
            parameters_json_schema=dict(offer.input_schema) or {"type": "object", "properties": {}},
        )
        for offer in request.tools
    ]
    if request.output_schema is None:
        return ModelRequestParameters(function_tools=tools)
    output = OutputObjectDefinition(json_schema=dict(request.output_schema), name="answer")
    return ModelRequestParameters(function_tools=tools, output_mode="native", output_object=output)
