"""The tool that brings a person's decision to a run."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Literal

from mcp.server.elicitation import AcceptedElicitation, DeclinedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from loopengt.approvals import Answer, decide, read_questions
from loopengt.display import visible
from loopengt.errors import UsageError
from loopengt.journal import clean_text
from loopengt.redaction import Redactor
from loopengt_hookspecs.engines import ResumeRequest
from loopengt_hookspecs.mcp_features import McpTool
from loopengt_mcp.server.asking import can_ask, client_name
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.fitting import fitting
from loopengt_mcp.server.models import Question, RunState
from loopengt_mcp.server.offering.waiting import RunName, WaitSeconds, settled
from loopengt_mcp.server.speaking import speaking
from loopengt_mcp.server.states import numbered, questions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.mcp_features import McpFeature
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.watching import Watcher

__all__ = ["AnswerFeatures", "bring"]


class Verdict(BaseModel):
    """What the person decides."""

    approve: bool = Field(title="Approve", description="Yes: the run goes on. No: it is rejected.")
    comment: str = Field(default="", title="Comment", description="Why; the next attempt sees it.")


class Reply(BaseModel):
    """What the person answers."""

    answer: str = Field(title="Answer")


@speaking
async def meant_question(ctx: Context, run_id: str, question: int) -> Question:
    """Find the question that is answered."""
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    asked = [
        each for each in questions_of(await desk.states.fold(row.run_id)) if each.kind != "unknown_outcome"
    ]
    if question:
        asked = [each for each in asked if each.number == question]
    if len(asked) == 1:
        return asked[0]
    if asked:
        listed = "\n".join(f"{each.number}. step {each.step!r}: {each.text}" for each in asked)
        raise UsageError(
            f"run {row.run_id} asks {len(asked)} questions:\n{listed}", remedy="Give `question`."
        )
    state = await desk.states.state(row.run_id)
    number = f" no question {question}" if question else " nothing that approve could answer"
    raise UsageError(f"run {row.run_id} asks{number}; it is {state.status}", remedy=state.next)


@speaking
async def verdict_of(
    ctx: Context, decision: str, answer: str, meant: Annotated[Question, Resolve(meant_question)]
) -> Verdict | Elicit[Verdict] | None:
    """Have the person approve or reject; None: that was given, or words are wanted."""
    if decision or answer or meant.kind == "input":
        return None
    _check_can_ask(ctx, meant, "decision='approve' or 'reject'")
    return Elicit(_put(meant), Verdict)


@speaking
async def reply_of(
    ctx: Context, decision: str, answer: str, meant: Annotated[Question, Resolve(meant_question)]
) -> Reply | Elicit[Reply] | None:
    """Have the person answer in words; None: they were given, or an approval is wanted."""
    if decision or answer or meant.kind != "input":
        return None
    _check_can_ask(ctx, meant, "answer, or decision='reject' to decline")
    return Elicit(_put(meant), Reply)


async def approve(
    ctx: Context,
    meant: Annotated[Question, Resolve(meant_question)],
    verdict: Annotated[ElicitationResult[Verdict], Resolve(verdict_of)],
    reply: Annotated[ElicitationResult[Reply], Resolve(reply_of)],
    run_id: RunName = "latest",
    decision: Annotated[
        Literal["", "approve", "reject"],
        Field(
            description="What the person has decided; empty: ask the person. For kind input, reject declines."
        ),
    ] = "",
    answer: Annotated[str, Field(description="For kind input: the person's words, a choice, or JSON.")] = "",
    comment: Annotated[
        str, Field(description="Why; a rejection's comment is the next attempt's feedback.")
    ] = "",
    question: Annotated[int, Field(ge=0, description="Its number in `questions`; 0: the only one.")] = 0,
    resume: Annotated[bool, Field(description="Go on with the run here when nobody drives it.")] = True,
    wait_seconds: WaitSeconds = 0,
) -> RunState:
    """Bring a decision to a run."""
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    given = _answer(ctx, meant, verdict, reply, (decision, answer, comment))
    await bring(desk, row.run_id, meant, given, resume=resume)
    return await settled(ctx, desk, row.run_id, wait_seconds)


async def bring(desk: Desk, run_id: str, meant: Question, answer: Answer, *, resume: bool = True) -> None:
    """Write an answer into the journal, and go on with the run when it can and nobody drives it.

    Raises:
        UsageError: The run does not ask that any more, or somebody has decided otherwise.
    """
    storage = await desk.runs.storage()
    asked = numbered((await read_questions(storage, run_id)).questions).get(meant.number)
    if asked is None:
        raise UsageError(f"run {run_id} does not ask that any more", remedy="Call run_status.")
    answered = await decide(storage, run_id, str(asked["id"]), answer)
    said = (answered.decision.get("decision") == "approved", str(answered.decision.get("comment") or ""))
    if not answered.ours and said != (answer.approved, answer.comment):
        word = "approved" if said[0] else "rejected"
        by = visible(str(answered.decision.get("by") or "somebody"))
        raise UsageError(f"it was {word} already by {by}, and that counts", remedy="Call run_status.")
    asked_now = (await read_questions(storage, run_id)).questions
    left = [each for each in asked_now.values() if each.get("audience") != "host"]
    if resume and not answered.driven_by and not left and not desk.runs.drives(run_id):
        desk.consents.check_may_run()

        async def drive(engine: Engine, watcher: Watcher) -> RunResult:
            return await engine.resume(ResumeRequest(run_id, [watcher]))

        await desk.runs.begin(run_id, drive)


def _answer(
    ctx: Context,
    meant: Question,
    verdict: ElicitationResult[Verdict],
    reply: ElicitationResult[Reply],
    given: tuple[str, str, str],
) -> Answer:
    decision, text, comment = given
    by = f"{client_name(ctx)} (MCP)"
    if decision or text:
        if text and (meant.kind != "input" or decision == "reject"):
            raise UsageError(
                "`answer` is for questions of kind input, and not for declining",
                remedy="Give decision='approve' or 'reject', with a comment.",
            )
        if meant.kind == "input" and decision != "reject":
            return Answer(True, by, _clean(fitting(meant, text)))
        return Answer(decision == "approve", by, _clean(comment))
    asked = reply if meant.kind == "input" else verdict
    by = f"a person at {client_name(ctx)} (MCP)"
    if isinstance(asked, AcceptedElicitation):
        if isinstance(asked.data, Reply):
            return Answer(True, by, _clean(fitting(meant, asked.data.answer)))
        return Answer(asked.data.approve, by, _clean(asked.data.comment or comment))
    if isinstance(asked, DeclinedElicitation) and meant.kind == "input":
        return Answer(False, by, _clean(comment))
    raise UsageError("the person did not decide; the question stays open", remedy="Call approve again later.")


def _clean(text: str) -> str:
    return Redactor.of_environment(os.environ).text(clean_text(text))


def _check_can_ask(ctx: Context, meant: Question, instead: str) -> None:
    if not can_ask(ctx):
        raise UsageError(
            f"your client cannot ask its person. The question is: {_put(meant)}",
            remedy=f"Ask the person yourself, and call approve again with {instead}.",
        )


def _put(meant: Question) -> str:
    place = f"gate {meant.gate!r} of " if meant.gate else f"tool {meant.tool!r} of " if meant.tool else ""
    lines = [f"{place}step {meant.step!r} asks: {meant.text}"]
    if meant.arguments is not None:
        lines.append(f"Arguments: {json.dumps(meant.arguments, ensure_ascii=False)}")
    lines += [f"{number}. {choice}" for number, choice in enumerate(meant.choices, 1)]
    if meant.answer_schema is not None:
        lines.append(f"JSON by this schema: {json.dumps(meant.answer_schema, ensure_ascii=False)}")
    return visible("\n".join(lines), keep="\n")


class AnswerFeatures:
    """Answers what runs ask people."""

    def features(self) -> Iterable[McpFeature]:
        """Return the tool."""
        yield McpTool(
            "approve",
            "Bring a person's decision to a run that asks: approve or reject a gate or a tool call, or answer a "
            "question of kind input. Show the question to the person first. Without decision and answer the person is "
            "asked directly, where your client can. Never decide for the person. The run then goes on; call wait_run.",
            approve,
            title="Answer what a run asks",
            destructive=True,
        )
