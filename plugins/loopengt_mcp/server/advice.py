"""Says what a model is to call next, from where a run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_mcp.server.models import RunState

__all__ = ["advice"]

_DONE = "Look at what it did with inspect_trace, or judge it with evaluate_run."


def advice(state: RunState, *, apart: bool = False) -> str:
    """Return one or two sentences for the model.

    Args:
        state: Where the run stands.
        apart: Whether the run has worked in a folder of its own that is still there.
    """
    run = f"run_id={state.run_id!r}"
    if state.tasks and state.status in ("running", "paused", "crashed"):
        also = f" Beside that: {_of_questions(state, run)}" if state.questions else ""
        return (
            f"A step is left to you: call next_task({run}), do what it says, and call submit_task; the run then "
            f"goes on.{also}"
        )
    if state.questions and state.status in ("running", "paused"):
        return _of_questions(state, run)
    if state.driven_by:
        return f"It goes on by itself. Call wait_run({run}) to wait for it, or do other work and ask again later."
    if state.status == "crashed":
        return f"Nobody drives it any more. Call resume_loop({run}): what was completed is not done again."
    if state.status == "paused":
        return f"Call resume_loop({run}) to go on."
    if state.reason == "exhausted":
        return f"A budget is used up. Call resume_loop({run}) with more of it, such as add_turns, to go on. {_DONE}"
    if state.reason in ("failed", "stopped"):
        return f"Call resume_loop({run}) to go on once what is in detail is mended. {_DONE}"
    if state.status == "completed" and apart:
        return (
            f"Its work is in `workspace`, and not in the project yet. Tell the person, who brings it there with: "
            f"loopengt resume {state.run_id} --merge. {_DONE}"
        )
    return _DONE


def _of_questions(state: RunState, run: str) -> str:
    kinds = {question.kind for question in state.questions}
    if kinds == {"unknown_outcome"}:
        return (
            f"Nobody knows whether a step was done. Ask the person, then call resume_loop({run}, "
            "unknown_outcome='done', 'retry' or 'fail')."
        )
    words = (
        f"Show the question to the person, and call approve({run}) with what the person decided; without a decision, "
        "approve asks the person itself where your client can. Do not decide for the person."
    )
    return words if state.driven_by else f"{words} The run then goes on."
