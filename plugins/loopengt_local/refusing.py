"""Refuses what a spec declares and the engine would not enforce: it would otherwise be ignored in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import (
    AgentRole,
    HandoffConfig,
    HandoffProtocol,
    LoopSpec,
    PatternName,
    SessionMode,
    StepSpec,
    ToolAuth,
    ToolAuthMethod,
    ToolSpec,
    ToolType,
)

__all__ = ["Place", "not_enforced", "refuse_same_names", "refuse_unable", "refuse_unsupported", "unsupported"]

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead to something from the root of a spec."""

_READ = {
    "expression": {"condition"},
    "command": {"command", "output_pattern", "min_tests"},
    "schema": {"schema"},
    "approval": {"on_timeout"},
    "judge": {"judge", "threshold"},
}
"""What the built-in kinds of gates read, beside what is there for all."""
_UNREAD = {kind: set().union(*_READ.values()) - read for kind, read in _READ.items()}
"""What they do not; a kind of a plugin may read anything."""
_KNOWN_PATTERNS = frozenset(PatternName) - {PatternName.CUSTOM}
"""Patterns of which it is known what they read."""
_LONGEST_NAME = 64
"""Characters of the name of a tool that a server offers; a longer one is shortened by its tool type."""


def refuse_unsupported(spec: LoopSpec) -> None:
    """Refuse what a spec may declare but this engine does not enforce, rather than ignore it.

    Raises:
        UsageError: It names every such declaration.
    """
    found = [said for _, said in unsupported(spec)]
    if found:
        raise not_enforced(spec, ", ".join(found))


def not_enforced(spec: LoopSpec, what: str) -> UsageError:
    """Make the error of something that is declared and not enforced."""
    return UsageError(
        f"loop {spec.name!r} declares what the engine 'local' does not enforce: {what}",
        remedy="Take it out of the spec; it would otherwise be ignored in silence.",
    )


def unsupported(spec: LoopSpec) -> Iterator[tuple[Place, str]]:
    """Yield what a spec declares and this engine does not enforce, each with its place."""
    for index, gate in enumerate(spec.policy.verification_gates):
        said = gate.model_dump(exclude_defaults=True, by_alias=True).keys()
        for key in sorted(_UNREAD.get(gate.kind, set()) & said):
            place = ("policy", "verification_gates", index, key)
            yield place, f"{key} of gate {gate.name!r}, which is of kind {gate.kind}"
    pattern, handoff = spec.pattern, spec.handoff
    if pattern in _KNOWN_PATTERNS - {PatternName.HANDOFF} and handoff != HandoffConfig():
        yield ("handoff",), f"handoff, which the pattern {pattern} does not read"
    if pattern == PatternName.HANDOFF and handoff.protocol is HandoffProtocol.DIRECT and handoff.supervisor:
        yield ("handoff", "supervisor"), "handoff.supervisor, which the protocol direct does not read"
    for index, tool in enumerate(spec.tools):
        for key, why in _unread_of_tool(tool):
            yield ("tools", index, *key.split(".")), f"{key} of tool {tool.name!r}, which {why}"
    for index, step in enumerate(spec.steps):
        for key, why in _unread_of_step(step):
            yield ("steps", index, *key.split(".")), f"{key} of step {step.name!r}, which {why}"


def _unread_of_tool(tool: ToolSpec) -> Iterator[tuple[str, str]]:
    ours = isinstance(tool.tool_type, ToolType)  # a plugin's type may read anything
    if tool.mcp_server and ours and not tool.is_mcp():
        yield "mcp_server", f"is of type {tool.tool_type}"
    if tool.function_ref and ours and not tool.is_function():
        yield "function_ref", f"is of type {tool.tool_type}"
    if tool.schema_def and tool.mcp_tools:
        yield "schema_def", "has mcp_tools, each with the schema of its server"
    if tool.auth.extra:
        yield "auth.extra", "no type of tool reads"
    if tool.auth.method is ToolAuthMethod.NONE and not tool.is_function():
        silent = ToolAuth()
        for key in ("env_var", "header_name"):
            if getattr(tool.auth, key) != getattr(silent, key):
                yield f"auth.{key}", "says no auth.method"


def _unread_of_step(step: StepSpec) -> Iterator[tuple[str, str]]:
    if step.loop is not None:
        if step.tools:
            yield "tools", "runs a loop with tools of its own"
        if step.session is not SessionMode.FRESH:
            yield "session", "runs a loop, that begins afresh"
    if step.context_tokens is None and step.summarizer != StepSpec.model_fields["summarizer"].default:
        yield "summarizer", "declares no context_tokens to keep to"
    read = step.memory.read if step.memory is not None else None
    if read is not None and not read.query and read.mode != "hybrid":
        yield "memory.read.mode", "has no query: it reads the entries that were added last"


def refuse_unable(step: StepSpec, role: AgentRole, agent: object, tools: tuple[str, ...]) -> None:
    """Refuse what a step asks of an agent that does not do it.

    Args:
        step: The step.
        role: The role of its agent.
        agent: The agent.
        tools: Names of the tools that it may call.

    Raises:
        UsageError: The agent calls no tools of ours, may call none of those of the step, or keeps no sessions.
    """
    who = f"agent {role.name!r} (provider {role.config.provider!r})"
    if step.tools and not tools and step.loop is None:
        raise UsageError(
            f"step {step.name!r} names the tools {', '.join(step.tools)}, of which {who} may call none",
            remedy="Add them to tools of the agent, or take them out of the step: only what both name can be called.",
        )
    if tools and getattr(agent, "takes_tools", False) is not True:
        raise UsageError(
            f"step {step.name!r} gives the tools {', '.join(tools)} to {who}, which calls no tools of the loop",
            remedy="Take tools out of the agent and the step, or use a provider that calls them, such as openai.",
        )
    if step.session is SessionMode.CONTINUE and getattr(agent, "keeps_sessions", False) is not True:
        raise UsageError(
            f"step {step.name!r} says session: continue, but {who} keeps no sessions",
            remedy="Say session: fresh, or use a provider that keeps them, such as claude-code.",
        )


def refuse_same_names(step: StepSpec, tools: Iterable[ToolSpec]) -> None:
    """Refuse two tools of a step that offer something of the same name, as far as that is known before they are asked.

    Args:
        step: The step.
        tools: What its agent may call.

    Raises:
        UsageError: It names both, and what they offer.
    """
    offered: dict[str, str] = {}
    for tool in tools:
        for name in _offered_names(tool):
            other = offered.setdefault(name, tool.name)
            if other != tool.name:
                raise UsageError(
                    f"the tools {other!r} and {tool.name!r} of step {step.name!r} both offer {name!r}",
                    remedy="Give one of them another name in the spec.",
                )


def _offered_names(tool: ToolSpec) -> Iterator[str]:
    if not tool.mcp_tools:
        yield tool.name
    for name in tool.mcp_tools:
        whole = f"{tool.name}_{name}"
        if name != "*" and len(whole) <= _LONGEST_NAME:
            yield whole
