"""Refuses what a spec declares and the engine would not enforce: it would otherwise be ignored in silence."""

from __future__ import annotations

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import (
    AgentRole,
    HandoffConfig,
    HandoffProtocol,
    LoopSpec,
    PatternName,
    SessionMode,
    StepSpec,
)

__all__ = ["refuse_unable", "refuse_unsupported"]

_READ = {
    "expression": {"condition"},
    "command": {"command", "output_pattern", "min_tests"},
    "schema": {"schema"},
    "approval": {"on_timeout"},
}
"""What the built-in kinds of gates read, beside what is there for all."""
_UNREAD = {kind: {"judge", "threshold"}.union(*_READ.values()) - read for kind, read in _READ.items()}
"""What they do not; a kind of a plugin may read anything."""
_KNOWN_PATTERNS = frozenset(PatternName) - {PatternName.CUSTOM}
"""Patterns of which it is known what they read."""


def refuse_unsupported(spec: LoopSpec) -> None:
    """Refuse what a spec may declare but this engine does not enforce, rather than ignore it.

    Raises:
        UsageError: It names every such declaration.
    """
    found = []
    for gate in spec.policy.verification_gates:
        said = gate.model_dump(exclude_defaults=True, by_alias=True).keys()
        unread = _UNREAD.get(gate.kind, set()) & said
        found += [f"{key} of gate {gate.name!r}, which is of kind {gate.kind}" for key in sorted(unread)]
    pattern, handoff = spec.pattern, spec.handoff
    if pattern in _KNOWN_PATTERNS - {PatternName.HANDOFF} and handoff != HandoffConfig():
        found.append(f"handoff, which the pattern {pattern} does not read")
    if pattern == PatternName.HANDOFF and handoff.protocol is HandoffProtocol.DIRECT and handoff.supervisor:
        found.append("handoff.supervisor, which the protocol direct does not read")
    if found:
        raise UsageError(
            f"loop {spec.name!r} declares what the engine 'local' does not enforce: {', '.join(found)}",
            remedy="Take it out of the spec; it would otherwise be ignored in silence.",
        )


def refuse_unable(step: StepSpec, role: AgentRole, agent: object, tools: tuple[str, ...]) -> None:
    """Refuse what a step asks of an agent that does not do it.

    Args:
        step: The step.
        role: The role of its agent.
        agent: The agent.
        tools: Names of the tools that it may call.

    Raises:
        UsageError: The agent calls no tools of ours, or keeps no sessions.
    """
    who = f"agent {role.name!r} (provider {role.config.provider!r})"
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
