"""Checks one gate on one attempt, and writes down the verdict with its proof."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt.judging import note_score, score_data
from loopengt_hookspecs.errors import LeaseLost, MissingRequirement, StorageError
from loopengt_hookspecs.gates import GateRequest, GateVerdict, Question
from loopengt_hookspecs.models import End, EndReason, StepResult
from loopengt_local.approvals import question_data
from loopengt_local.control import EndRun
from loopengt_local.gate_agents import GateAgents
from loopengt_local.requests import idempotency_key
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_local.compiled import BoundGate, CompiledStep
    from loopengt_local.intake import Intake
    from loopengt_local.run import LocalRun

__all__ = ["check_gate", "check_input"]

_Verdict: TypeAlias = tuple[bool, str, Any, list[dict[str, Any]]]
"""Whether a gate passed, its feedback, its proof, and what judges said."""

GRACE_SECONDS = 5.0
"""What a gate gets on top of its time limit: one that ends its program itself can tell more than we could."""


async def check_gate(
    run: LocalRun,
    bound: BoundGate,
    step: CompiledStep,
    occurrence: int,
    response: Mapping[str, Any],
    names: Mapping[str, Any],
    *,
    refused: bool = False,
) -> tuple[bool, str] | None:
    """Check a gate; return whether it passed, and its feedback.

    A gate that asks a person waits for the answer, however long that takes.

    Args:
        run: The run.
        bound: The gate.
        step: The step, or instance.
        occurrence: Which execution of it.
        response: Data of the ``agent.response`` event of the attempt that is checked.
        names: Names that expressions see beside those of the run.
        refused: Whether another gate has refused the attempt already. Then no person is asked about it: None.
    """
    began = perf_counter()
    result = StepResult(
        output=response.get("output"),
        duration_seconds=response.get("duration", 0.0),
        token_usage=response.get("token_usage", {}),
        metadata=response.get("metadata", {}),
    )
    attempt = response["attempt"]
    agents = GateAgents(run, step, occurrence, attempt, bound.name)
    request = GateRequest(
        run_id=run.run_id,
        step=step.name,
        attempt=attempt,
        result=result,
        workspace=run.workspace,
        idempotency_key=idempotency_key(run.run_id, step.name, occurrence, attempt),
        scope=lambda: RunScope(run, names, result=result),
        put_blob=run.compiled.intake.put_blob(run.journal.storage.put_blob),
        goal=run.spec.goal,
        context=run.fold.context,
        invoke=agents,
    )
    try:
        verdict = await _ask(run, bound, request, agents)
    finally:
        await agents.close()
    if isinstance(verdict, Question):
        if refused:
            return None
        verdict = await _decided(run, bound, request, verdict)
    passed, feedback, proof, scores = verdict
    for score in scores:
        await note_score(run.journal, step.name, {"gate": bound.name, "attempt": attempt, **score})
    data = {
        "gate": bound.name,
        "kind": bound.kind,
        "attempt": request.attempt,
        "duration": round(perf_counter() - began, 6),
        "proof": proof,
        **agents.spent(),
    }
    if passed:
        run.journal.note("gate.pass", step.name, data)
        return True, ""
    data["feedback"] = feedback or f"gate {bound.name!r} failed without saying why"
    await run.journal.note_large("gate.fail", step.name, data, "feedback")
    return False, data["feedback"]


async def check_input(
    run: LocalRun, bound: BoundGate, request: AgentRequest, names: Mapping[str, Any] | None
) -> str:
    """Hold what an agent is given against its ``input_schema``; return what is wrong with it.

    Its input are the names that its prompt can use: those of the context, ``goal``, ``feedback``, ``lap``, and, where
    there are some, ``item``, ``handoff`` and ``steps`` (the outputs of the completed steps by name).
    """
    done = {name: known.outcome.output for name, known in run.fold.steps.items() if known.outcome is not None}
    given = {"goal": run.spec.goal, "feedback": request.feedback, "lap": request.occurrence, "steps": done}
    given |= {**run.fold.context, **(names or {})}
    checked = GateRequest(
        run_id=run.run_id,
        step=request.step,
        attempt=request.attempt,
        result=StepResult(output=given),
        workspace=run.workspace,
        idempotency_key=request.idempotency_key,
        scope=lambda: RunScope(run, names or {}),
        put_blob=request.put_blob,
    )
    verdict = await _ask(run, bound, checked)
    assert not isinstance(verdict, Question), "a schema gate asks nobody"
    passed, feedback, *_ = verdict
    return (
        ""
        if passed
        else f"the input of agent {request.agent.name!r} does not fit its input_schema: {feedback}"
    )


async def _decided(run: LocalRun, bound: BoundGate, request: GateRequest, question: Question) -> _Verdict:
    """Have a person decide, and make a verdict of the answer."""
    asked = question_data(
        question,
        key=request.idempotency_key,
        step=request.step,
        gate=bound.name,
        attempt=request.attempt,
        text=run.compiled.intake.text(question.text),
    )
    answer = await run.approvals.ask(asked)
    proof = {key: answer[key] for key in ("decision", "by", "comment", "at") if key in answer}
    if answer["decision"] == "approved":
        return True, "", proof, []
    return False, answer.get("comment") or f"rejected by {answer['by']}", proof, []


async def _ask(
    run: LocalRun, bound: BoundGate, request: GateRequest, agents: GateAgents | None = None
) -> _Verdict | Question:
    """Ask the gate. Gates fail closed: one that cannot be checked, or takes too long, has not passed."""
    deadline = run.deadlines.begin(bound.timeout + GRACE_SECONDS)
    if agents is not None:
        agents.deadline = deadline
    try:
        verdict = await bound.gate.check(request)
        if deadline.expired:
            await deadline.settle()
        if verdict.question is not None:
            return verdict.question
        return _read(verdict, run.compiled.intake)
    except (LeaseLost, StorageError, EndRun):
        raise
    except MissingRequirement as exc:
        # No attempt can mend that; the answer is kept, and `resume` checks it once the program is there.
        raise EndRun(End(EndReason.FAILED, f"gate {bound.name!r}: {exc}")) from exc
    except asyncio.CancelledError as exc:
        if not deadline.take_back():
            raise
        failed: BaseException = exc
    except Exception as exc:
        failed = exc
    finally:
        run.deadlines.end(deadline)
    if deadline.expired:
        return False, f"the gate took longer than its {bound.timeout:g} seconds", {"timed_out": True}, []
    said = run.compiled.intake.text(str(failed) or type(failed).__name__)
    return False, f"the gate could not be checked: {said}", {"error": type(failed).__name__}, []


def _read(verdict: GateVerdict, intake: Intake) -> _Verdict:
    scores = [intake.data(score_data(score))[0] for score in verdict.scores]
    proof = intake.data(verdict.proof)[0]
    return verdict.passed is True, intake.text(str(verdict.feedback or "")), proof, scores
