"""Agents and a pattern for the loops of ``crash.py``, which copies this file into its project as ``agents.py``."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import End, EndReason, HandoffContext

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.patterns import Run
    from loopengt_hookspecs.tools import ToolCall

__all__ = [
    "dispatch",
    "judge",
    "linger",
    "mark",
    "patch",
    "patchwork",
    "route",
    "sender",
    "shaky",
    "slow",
    "spend",
    "supervise",
    "work",
    "write",
]

TOKENS = 10
"""What a call of ``spend`` uses."""
PLAN = ("draw", "paint", "draw", "frame", "paint")
"""Whom ``supervise`` names, one after the other."""


def work(request: AgentRequest) -> dict[str, Any]:
    """Note that it was called, and answer."""
    _note("begin", request)
    _note("effect", request)
    heard = {"heard": len(request.feedback), "prompt": request.prompt[-120:]}
    return {"step": request.step, "lap": request.occurrence, "attempt": request.attempt, **heard}


def slow(request: AgentRequest) -> dict[str, Any]:
    """Work, and take a moment between the beginning and the effect, as other agents may do meanwhile."""
    _note("begin", request)
    time.sleep(0.02)
    _note("effect", request)
    return {"step": request.step, "lap": request.occurrence, "attempt": request.attempt}


def sender(request: AgentRequest) -> dict[str, Any]:
    """Do what may be done once only."""
    return slow(request)


def shaky(request: AgentRequest) -> dict[str, Any]:
    """Work, but fail at the first attempt of all."""
    answer = work(request)
    if request.attempt == 1:
        raise ConnectionError("not at first")
    return answer


def write(request: AgentRequest) -> dict[str, Any]:
    """Work, and leave a file in the workspace that is called like the step."""
    _note("begin", request)
    made = request.workspace / "made"
    made.mkdir(exist_ok=True)
    (made / f"{request.step}.{request.occurrence}").write_text(f"{request.step} {request.attempt}\n")
    _note("effect", request)
    return {"files": len(list(made.iterdir())), "attempt": request.attempt}


def spend(request: AgentRequest) -> AgentReply:
    """Work, for tokens and money."""
    return AgentReply(work(request), {"total_tokens": TOKENS}, 0.125, "reported")


def judge(request: AgentRequest) -> dict[str, Any]:
    """Score better from time to time."""
    return work(request) | {"score": request.occurrence / 5, "feedback": f"round {request.occurrence}"}


def supervise(request: AgentRequest) -> dict[str, Any]:
    """Name the workers of the plan, and one that there is not."""
    answer = work(request)
    turn = request.occurrence - 1
    if turn == 2 and "There is no step" not in request.feedback:
        return answer | {"next_step": "nobody"}
    turn -= turn > 2
    if turn >= len(PLAN):
        return answer | {"done": True}
    return answer | {"next_step": PLAN[turn], "instructions": f"turn {turn}", "feedback": "go on"}


def route(request: AgentRequest) -> dict[str, Any]:
    """Hand the work on: in order, but for one way back and one leap."""
    answer = work(request)
    ways = {("h2", 1): "h0", ("h3", 1): "h6"}
    to = ways.get((request.step, request.occurrence))
    payload = {"from": request.step, "lap": request.occurrence}
    return answer | {"handoff": {"payload": payload, **({"to_step": to} if to else {})}}


async def patch(request: AgentRequest) -> dict[str, Any]:
    """Work, without a thread."""
    await asyncio.sleep(0)
    return work(request)


async def patchwork(run: Run) -> End:
    """Do by turns all that a pattern can: steps alone and at the same time, decisions, handoffs, checkpoints."""
    left, right, joint = run.spec.steps
    total = 0
    for lap in range(1, 5):
        async with asyncio.TaskGroup() as group:
            both = [
                group.create_task(run.step(step, names={"lap": lap}, parallel=True)) for step in (left, right)
            ]
        total += sum(task.result().output["lap"] for task in both)
        total = await run.decide("total", total)
        context = HandoffContext(from_agent=left.agent, to_agent=joint.agent, payload={"total": total})
        handed = await run.hand_off(context)
        await run.step(joint, names={"lap": lap, "handoff": handed.model_dump(mode="json")})
        if lap % 2 == 0:
            await run.checkpoint("even")
    return End(EndReason.GOAL_MET, f"the total is {total}")


def mark(number: int, call: ToolCall) -> str:
    """Note that the tool was called."""
    _note("call", call)
    return f"marked {number}"


async def linger(number: int, call: ToolCall) -> str:
    """The same, without a thread, and take a moment."""
    _note("call", call)
    await asyncio.sleep(0.02)
    return f"lingered {number}"


def dispatch(number: int, call: ToolCall) -> str:
    """Do what may be done once only."""
    _note("call", call)
    time.sleep(0.02)
    _note("sent", call)
    return f"dispatched {number}"


def _note(kind: str, request: AgentRequest | ToolCall) -> None:
    """Append a line to the effects log; an effect is on the disk when this returns."""
    key = request.idempotency_key.replace(" ", "_")
    line = f"{kind} {key} {os.getpid()}\n".encode()
    handle = os.open(Path(os.environ["EFFECTS"]), os.O_WRONLY | os.O_APPEND)
    try:
        os.write(handle, line)
        if kind in ("effect", "sent"):
            os.fsync(handle)
    finally:
        os.close(handle)
