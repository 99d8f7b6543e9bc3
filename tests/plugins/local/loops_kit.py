"""Loops of every kind that come to the same end however they get there, and the agent that works in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.testing import loop_spec
from loopengt_hookspecs.agents import AgentReply

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import LoopState

RETRY = {"retry": {"initial_delay_seconds": 0, "max_retries": 2}}


def answer(request: AgentRequest) -> AgentReply:
    """Answer with where we are; the step ``shaky`` fails at its first attempt."""
    if request.step == "shaky" and request.attempt == 1:
        raise ConnectionError("the line is down")
    place = f"{request.step}-{request.occurrence}-{request.attempt}"
    output: dict[str, Any] = {"place": place, "score": request.occurrence / 3, "heard": request.feedback}
    if request.step == "lead":
        output["next_step"] = ["dig", "fill", "dig", "shaky", None][request.occurrence - 1]
        output["done"] = output["next_step"] is None
    return AgentReply(output, {"prompt_tokens": 7}, cost_usd=0.25, cost_source="reported")


def sequential() -> dict[str, Any]:
    """Gates that fail once, an error that passes, a step that is skipped, checkpoints."""
    gates = [
        {"name": "second", "condition": "output.place is endingwith '-2'"},
        {"name": "ran", "kind": "told_slowly"},
        {"name": "noted", "condition": "false", "on_failure": "continue"},
    ]
    return loop_spec(
        {"name": "plan", "checkpoint": True},
        {"name": "shaky", "verification_gates": ["ran"]},
        {
            "name": "gated",
            "verification_gates": ["ran", "second"],
            "dependencies": ["plan"],
            "checkpoint": True,
        },
        {"name": "never", "dependencies": [{"step_name": "plan", "condition": "output.score > 1"}]},
        {"name": "tolerated", "verification_gates": ["noted", "ran"]},
        policy={**RETRY, "verification_gates": gates},
    )


def repeat() -> dict[str, Any]:
    """Laps whose second step fails its gate twice."""
    gate = {"name": "third", "condition": "output.score >= 1"}
    return loop_spec(
        {"name": "edit", "checkpoint": True},
        {"name": "test", "verification_gates": ["third"], "prompt_template": "lap {lap}: {feedback}"},
        pattern="repeat",
        policy={**RETRY, "verification_gates": [gate]},
    )


def evaluator_optimizer() -> dict[str, Any]:
    """A judge that is satisfied at its third look."""
    return loop_spec("judge", "improve", pattern="evaluator_optimizer", policy=RETRY)


def supervisor_worker() -> dict[str, Any]:
    """A supervisor that has one of its workers work twice."""
    return loop_spec("lead", "dig", "fill", "shaky", pattern="supervisor_worker", policy=RETRY)


def handoff() -> dict[str, Any]:
    """Three agents, each of which hands its work to the next."""
    agents = [{"name": name, "config": {"provider": "scripted"}} for name in ("ann", "bob", "cid")]
    steps = [{"name": f"by_{agent['name']}", "agent": agent["name"]} for agent in agents]
    return loop_spec(*steps, agents=agents, pattern="handoff", policy=RETRY)


def parallel_fan_out() -> dict[str, Any]:
    """A diamond of steps, two at a time."""
    return loop_spec(
        "top",
        *({"name": f"mid{number}", "dependencies": ["top"], "checkpoint": True} for number in range(4)),
        {"name": "shaky", "dependencies": ["top"]},
        {"name": "bottom", "dependencies": [f"mid{number}" for number in range(4)]},
        pattern="parallel_fan_out",
        policy={**RETRY, "max_concurrency": 2},
    )


def essence(state: LoopState) -> dict[str, Any]:
    """What of a state does not depend on the clock or on the order in which concurrent steps end."""
    dumped = state.model_dump(mode="json")
    for key in ("run_id", "started_at", "completed_at", "history", "current_step_index"):
        del dumped[key]
    dumped["checkpoints"].sort()
    for step in dumped["step_states"].values():
        del step["started_at"], step["completed_at"]
        if step["result"]:
            del step["result"]["duration_seconds"]
    for agent in dumped["agent_states"].values():
        del agent["last_output"]
    return dumped


def answering(spec: dict[str, Any]) -> dict[str, Any]:
    """Let every agent of a loop answer alike."""
    return {role["name"]: answer for role in spec["agents"]}
