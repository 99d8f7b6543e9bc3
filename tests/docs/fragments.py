"""Completes a part of a loop, as a page shows it, with the simplest of all that it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["completed", "write_children"]


def _names(items: Any) -> set[str]:
    return {item["name"] for item in items or []}


def completed(part: dict[str, Any]) -> dict[str, Any]:
    """Return a whole spec that holds a part of one, word for word."""
    spec = {"name": "shown", "goal": "What the page shows is valid.", **part}
    policy = spec["policy"] = dict(spec.get("policy", {}))
    steps = spec["steps"] = [dict(step) for step in spec.get("steps", [])]
    agents = spec["agents"] = list(spec.get("agents", []))

    mentioned = set(re.findall(r"\bsteps\.([a-z_]+)\b", str(part))) - _names(steps)
    mentioned |= {
        name if isinstance(name, str) else name["step_name"]
        for step in steps
        for name in step.get("dependencies", [])
    } - _names(steps)
    steps[:0] = [{"name": name} for name in sorted(mentioned)]
    if not steps:
        steps.append({"name": "work"})
    if not agents:
        agents.append({"name": "worker"})
    for step in steps:
        if "agent" not in step and "loop" not in step:
            step["agent"] = agents[0]["name"]
    wanted = {step["agent"] for step in steps if "agent" in step}
    agents += [{"name": name} for name in sorted(wanted - _names(agents))]
    policy["verification_gates"] = list(policy.get("verification_gates", []))
    wanted = {gate for step in steps for gate in step.get("verification_gates", [])}
    missing = wanted - _names(policy["verification_gates"])
    policy["verification_gates"] += [{"name": gate, "condition": "true"} for gate in sorted(missing)]
    known = _names(policy["verification_gates"])
    if known - wanted:
        steps[-1]["verification_gates"] = [*steps[-1].get("verification_gates", []), *sorted(known - wanted)]
    wanted = {tool for owner in (*agents, *steps) for tool in owner.get("tools", [])} - _names(
        spec.get("tools")
    )
    if wanted:
        spec["tools"] = [
            *spec.get("tools", []),
            *({"name": name, "tool_type": "builtin"} for name in sorted(wanted)),
        ]
    servers = {tool["mcp_server"] for tool in spec.get("tools", []) if "mcp_server" in tool}
    if servers - spec.get("mcp_servers", {}).keys():
        spec["mcp_servers"] = {name: {"command": "server"} for name in servers} | spec.get("mcp_servers", {})
    for step in steps:
        step.setdefault("prompt_template", "{goal}")
    return spec


def write_children(part: dict[str, Any], folder: Path) -> None:
    """Write the loops that its steps run."""
    for step in part.get("steps", []):
        if "loop" in step:
            child = folder / step["loop"]
            child.parent.mkdir(parents=True, exist_ok=True)
            spec = completed({"context": dict.fromkeys(step.get("inputs", {}), "x")})
            child.write_text(yaml.safe_dump(spec), encoding="utf-8")
