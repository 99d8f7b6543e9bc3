"""Says what a loop executes beyond models and people: that is what needs a person's consent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.custom_patterns import is_dotted_path
from loopengt.display import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt.spec import LoadedSpec
    from loopengt_hookspecs.models import AgentRole, LoopSpec, ToolSpec, VerificationGate

__all__ = ["executes"]

_MODELS = frozenset({"anthropic", "google", "huggingface", "openai", "openrouter"})
"""Providers that ask a model at an address of their own."""
_LOCAL_MODELS = frozenset({"ollama", "openai-compatible"})
_PEOPLE = frozenset({"host", "human"})
_ELSEWHERE = ("base_url", "api_key", "api_key_env", "headers_env")
"""Options that send prompts, or a key of the environment, where the loop says."""
_GATES = frozenset({"approval", "expression", "judge", "schema"})
_READERS = frozenset({"list_files", "read_file", "search_text"})
"""Built-in tools that only read, and only in the workspace."""


def executes(loaded: LoadedSpec) -> list[str]:
    """Return what a loop and those below it would execute, a line each; empty: models and people alone."""
    found = [f"{where}{line}" for where, spec in _specs(loaded) for line in _of(spec)]
    return list(dict.fromkeys(found))


def _specs(loaded: LoadedSpec) -> Iterator[tuple[str, LoopSpec]]:
    yield "", loaded.spec
    for path, spec in loaded.loops.items():
        yield f"{one_line(path)}: ", spec


def _of(spec: LoopSpec) -> Iterator[str]:
    if is_dotted_path(spec.pattern):
        yield f"pattern {one_line(spec.pattern)}, Python code of the project"
    for role in spec.agents:
        yield from _of_agent(role)
    for tool in spec.tools:
        yield from _of_tool(tool)
    for name, server in spec.mcp_servers.items():
        yield f"MCP server {one_line(name)!r}: {_words(server.argv) if server.argv else one_line(server.url or '')}"
    for gate in spec.policy.verification_gates:
        yield from _of_gate(gate)
    metric = spec.policy.no_progress.metric
    if metric is not None and metric.command:
        yield f"metric of no_progress: {_words(metric.command)}"


def _of_agent(role: AgentRole) -> Iterator[str]:
    provider, extra = role.config.provider, role.config.extra
    name = f"agent {one_line(role.name)!r}"
    if provider in _PEOPLE:
        return
    if provider == "scripted":
        if _mentions(extra, "files"):
            yield f"{name}: writes files, by a script"
        return
    if provider in _MODELS or provider in _LOCAL_MODELS:
        given = [key for key in _ELSEWHERE if extra.get(key)]
        if given:
            what = ", ".join(f"{key} {one_line(extra[key])}" for key in given)
            yield f"{name}: asks a model with {what}"
        return
    program = extra.get("command") or extra.get("function")
    yield f"{name}: {one_line(provider)}" + (f": {_words(program)}" if program else "")


def _of_tool(tool: ToolSpec) -> Iterator[str]:
    name, kind = one_line(tool.name), one_line(str(getattr(tool.tool_type, "value", tool.tool_type)))
    if kind == "builtin" and tool.name in _READERS:
        return
    more = tool.function_ref or (f"of MCP server {tool.mcp_server}" if tool.mcp_server else "")
    yield f"tool {name!r}, {kind}" + (f" {one_line(more)}" if more else "")


def _of_gate(gate: VerificationGate) -> Iterator[str]:
    if gate.kind in _GATES:
        return
    program = f": {_words(gate.command)}" if gate.command else ""
    yield f"gate {one_line(gate.name)!r}, {one_line(gate.kind)}{program}"


def _words(command: Any) -> str:
    return one_line(command if isinstance(command, str) else json.dumps(command, ensure_ascii=False), 300)


def _mentions(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_mentions(item, key) for item in value.values())
    return isinstance(value, list) and any(_mentions(item, key) for item in value)
