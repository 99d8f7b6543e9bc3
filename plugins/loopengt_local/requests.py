"""Makes the request of one attempt: the prompts with their placeholders filled in, and all that an agent may know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from loopengt import PromptError
from loopengt.prompts import Replaced
from loopengt_hookspecs.agents import AgentRequest
from loopengt_hookspecs.models import End, EndReason
from loopengt_local.control import EndRun
from loopengt_local.remembering.memories import MEMORY_HEADING
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt_hookspecs.calls import Calls
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.run import LocalRun

__all__ = [
    "FEEDBACK_HEADING",
    "HANDOFF_HEADING",
    "idempotency_key",
    "make_request",
    "prompt_scope",
    "render_prompts",
]

FEEDBACK_HEADING = "The previous attempt was not accepted:"
"""Stands above the feedback when a prompt has no place of its own for it."""
HANDOFF_HEADING = "What you are told along with this work:"
"""Stands there in its place when the feedback comes with work that another step hands over."""


def make_request(
    run: LocalRun,
    step: CompiledStep,
    occurrence: int,
    attempt: int,
    feedback: str,
    names: Mapping[str, Any] | None,
    emit: Callable[[str, dict[str, Any]], None],
    calls: Calls,
) -> AgentRequest:
    """Make the request of an attempt.

    Raises:
        EndRun: A prompt names something that the run does not hold.
    """
    prompt, system_prompt = render_prompts(run, step, occurrence, attempt, feedback, names)
    return AgentRequest(
        run_id=run.run_id,
        loop=run.spec.name,
        step=step.name,
        occurrence=occurrence,
        attempt=attempt,
        agent=step.role,
        prompt=prompt,
        system_prompt=system_prompt,
        feedback=feedback,
        idempotency_key=idempotency_key(run.run_id, step.name, occurrence, attempt),
        workspace=run.workspace,
        context=run.fold.context,
        emit=emit,
        put_blob=run.compiled.intake.put_blob(run.journal.storage.put_blob),
        calls=calls,
        session=_session(run, step) if step.continues else None,
    )


def render_prompts(
    run: LocalRun,
    step: CompiledStep,
    occurrence: int,
    attempt: int,
    feedback: str,
    names: Mapping[str, Any] | None,
    texts: Mapping[tuple[str | int, ...], str] | None = None,
) -> tuple[str, str]:
    """Return the prompt and the system prompt of an attempt.

    Args:
        run: The run.
        step: The step.
        occurrence: Which execution of it.
        attempt: Which attempt of that.
        feedback: Why the previous one was not good enough.
        names: Names that the prompt sees beside those of the run.
        texts: Texts that stand in place of what the prompt looks up, by path.

    Raises:
        EndRun: A prompt names something that the run does not hold.
    """
    prompt, system_prompt = step.plain_prompt, ""
    if prompt is None or step.system_prompt is not None or names or "goal" in run.fold.context:
        scope = prompt_scope(run, occurrence, feedback, names)
        try:
            prompt = step.prompt.render(Replaced(scope, texts) if texts else scope)
            system_prompt = step.system_prompt.render(scope) if step.system_prompt is not None else ""
        except PromptError as exc:
            raise EndRun(End(EndReason.FAILED, f"step {step.name!r}: {exc}")) from exc
    if names and names.get("memory") and not step.takes_memory:
        remembered = texts.get(("memory",)) if texts else None
        prompt = f"{prompt}\n\n{MEMORY_HEADING}\n{remembered or names['memory']}"
    if feedback and not step.takes_feedback:
        handed = attempt == 1 and names and "handoff" in names
        prompt = f"{prompt}\n\n{HANDOFF_HEADING if handed else FEEDBACK_HEADING}\n{feedback}"
    return prompt, system_prompt


def prompt_scope(run: LocalRun, occurrence: int, feedback: str, names: Mapping[str, Any] | None) -> RunScope:
    """Return what the prompts of an attempt see."""
    own = {"feedback": feedback, "handoff": "", "item": "", "lap": occurrence}
    return RunScope(run, own | dict(names) if names else own, context_at_root=True)


def _session(run: LocalRun, step: CompiledStep) -> Mapping[str, Any] | None:
    """Return what the agent said of its last conversation in the run."""
    agent = run.fold.agents.get(step.role.name)
    return agent.last_metadata if agent is not None else None


def idempotency_key(run_id: str, step: str, occurrence: int, attempt: int) -> str:
    """Return the key that is the same for every execution of an attempt."""
    return f"{run_id}/{step}/{occurrence}/{attempt}"
