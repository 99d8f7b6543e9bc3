"""What other tools are told of a judge that asks an agent: its rubric, its model, and what is left out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.models import AgentConfig

if TYPE_CHECKING:
    from loopengt_evals.formats.collected import Notes
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["GOAL", "QUALITY", "model_of", "note_lost"]

QUALITY = "The output is right, whole, to the point, and free of errors."
"""What the judge quality asks, as a rubric."""
GOAL = "The output reaches the goal of the task."
"""What the judge goal_achievement asks, as a rubric."""

_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "openrouter": "openrouter"}
_OPTIONS = ("files", "changes", "scale", "together")


def model_of(judge: JudgeSpec, where: str, notes: Notes) -> str | None:
    """Return ``PROVIDER:MODEL`` as other tools name models; None: the judge does not say, or it has no name there."""
    agent = judge.agent
    if agent is None:
        return None
    if isinstance(agent, AgentConfig) and agent.provider in _PROVIDERS and "model" in agent.model_fields_set:
        return f"{_PROVIDERS[agent.provider]}:{agent.model}"
    notes.add(where, f"whom {judge.label} asks was left out")
    return None


def note_lost(judge: JudgeSpec, where: str, notes: Notes, *, inputs: bool) -> None:
    """Note the options that no other tool has.

    Args:
        judge: The judge.
        where: The case.
        notes: Where notes go.
        inputs: Whether the inputs are lost, too.
    """
    lost = [name for name in (*_OPTIONS, *(("inputs",) if inputs else ())) if judge.options.get(name)]
    if any(one.get("weight", 1.0) != 1.0 or one.get("scale") for one in judge.options.get("criteria", ())):
        lost.append("weights and scales of criteria")
    if judge.repeat > 1:
        lost.append("repeat")
    if lost:
        notes.add(where, f"of {judge.label} was left out: {', '.join(lost)}")
