"""Refuses what a spec declares and the engine would not enforce: it would otherwise be ignored in silence."""

from __future__ import annotations

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import HandoffConfig, HandoffProtocol, LoopSpec, PatternName

__all__ = ["refuse_unsupported"]

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
    if any(step.tools for step in spec.steps) or any(role.tools for role in spec.agents):
        found.append("tools of an agent or step")
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
