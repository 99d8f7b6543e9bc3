"""Which suite of ``loopengt.testing`` every kind of component, and the model of a plugin's options, has to pass."""

from __future__ import annotations

from typing import Any

__all__ = ["CONTRACTS", "contract_of"]

CONTRACTS = {
    "adapters": "AdapterContract",
    "agents": "AgentContract",
    "commands": "CommandContract",
    "embedders": "EmbedderContract",
    "engines": "EngineContract",
    "exporters": "ExporterContract",
    "gates": "GateContract",
    "judges": "JudgeContract",
    "mcp_features": "McpFeatureContract",
    "memories": "MemoryContract",
    "metrics": "MetricContract",
    "middleware": "MiddlewareContract",
    "model_adapters": "ModelAdapterContract",
    "observers": "ObserverContract",
    "options": "OptionsContract",
    "patterns": "PatternContract",
    "stop_conditions": "StopConditionContract",
    "storages": "StorageContract",
    "summarizers": "SummarizerContract",
    "templates": "TemplateContract",
    "tool_types": "ToolTypeContract",
    "tools": "ToolContract",
    "triggers": "TriggerContract",
}


def contract_of(kind: str) -> Any:
    """Return the suite of a kind, or None where the test kit has none."""
    from loopengt import testing

    return getattr(testing, CONTRACTS.get(kind, ""), None)
