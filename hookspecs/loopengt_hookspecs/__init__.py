"""The contracts between the loopengt kernel and its plugins: one file for each extension point.

A plugin author needs ``hookimpl`` and the one file of the point to extend, such as ``loopengt_hookspecs.gates``.
Data that belongs to no single point lies in ``loopengt_hookspecs.models``.
"""

from __future__ import annotations

from loopengt_hookspecs._markers import (
    API_VERSION,
    PROJECT,
    Deprecation,
    deprecated,
    deprecations_of,
    hookimpl,
    hookspec,
)

EXTENSION_POINTS: dict[str, str] = {
    "adapters": "loopengt_hookspecs.adapters",
    "agents": "loopengt_hookspecs.agents",
    "commands": "loopengt_hookspecs.cli",
    "embedders": "loopengt_hookspecs.embedders",
    "engines": "loopengt_hookspecs.engines",
    "exporters": "loopengt_hookspecs.tracing",
    "gates": "loopengt_hookspecs.gates",
    "judges": "loopengt_hookspecs.judges",
    "mcp_features": "loopengt_hookspecs.mcp_features",
    "memories": "loopengt_hookspecs.memory",
    "metrics": "loopengt_hookspecs.metrics",
    "middleware": "loopengt_hookspecs.middleware",
    "model_adapters": "loopengt_hookspecs.model_adapters",
    "observers": "loopengt_hookspecs.tracing",
    "options": "loopengt_hookspecs.options",
    "patterns": "loopengt_hookspecs.patterns",
    "stop_conditions": "loopengt_hookspecs.stop_conditions",
    "storages": "loopengt_hookspecs.storage",
    "summarizers": "loopengt_hookspecs.summarizers",
    "templates": "loopengt_hookspecs.templates",
    "tool_types": "loopengt_hookspecs.tools",
    "tools": "loopengt_hookspecs.tools",
    "triggers": "loopengt_hookspecs.triggers",
}
"""Every kind of component and the module that specifies its hook, ``loopengt_register_<kind>``."""

__all__ = [
    "API_VERSION",
    "EXTENSION_POINTS",
    "PROJECT",
    "Deprecation",
    "deprecated",
    "deprecations_of",
    "hookimpl",
    "hookspec",
]
