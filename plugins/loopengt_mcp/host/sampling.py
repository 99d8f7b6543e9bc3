"""Has tasks done by a client's model directly (``sampling/createMessage``), while a call of that client waits.

Up to revision 2025-11-25 the server sends the request in the midst of the call; from 2026-07-28 on the call is answered
with the request, and made again with the model's answer.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from mcp import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    InputRequiredResult,
    ModelHint,
    ModelPreferences,
    SamplingMessage,
    TextContent,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from loopengt.approvals import Answer
from loopengt.display import one_line
from loopengt.errors import UsageError
from loopengt_mcp.host.fitting import fit, plain
from loopengt_mcp.host.submitting import submit
from loopengt_mcp.host.waiting import wait_for_work
from loopengt_mcp.host.work import open_work, split_task_id
from loopengt_mcp.server.asking import client_name

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.types import InputResponse, Role

    from loopengt_mcp.host.work import Work
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.runs import Progress

__all__ = ["next_sampling", "samples_by_rounds", "wait_and_sample"]

_MOST_ROUNDS = 8
"""Requests within one call; clients give up after ten."""
_ANSWER_SECONDS = 120.0
_MOST_TOKENS = 8_192
"""Where the agent has no ``max_tokens``: a request must have a limit."""


def samples_by_rounds(ctx: Context) -> bool:
    """Whether the client lets its model be asked by way of an answer to its call."""
    return _samples(ctx) and ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def wait_and_sample(ctx: Context, desk: Desk, run_id: str, seconds: float, progress: Progress) -> None:
    """Wait until a run rests or has a task for a model that asks for work, or the time is over.

    Meanwhile the client's model does what tasks it can, where it may be asked in the midst of a call.
    """
    samples = (
        _samples(ctx)
        and ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS
        and ctx.session.can_send_request
    )
    clock = asyncio.get_running_loop()
    until = clock.time() + seconds
    while True:
        left = max(0.0, until - clock.time())
        found = await wait_for_work(desk, run_id, left, progress, client_name(ctx))
        possible = [work for work in found if samples and _may_be_sampled(desk, work)]
        if not possible:
            return
        await _sample(ctx, desk, possible[0])


async def next_sampling(ctx: Context, desk: Desk, run_id: str, seconds: float) -> InputRequiredResult | None:
    """Take what the client's model has answered, wait for the next task, and return the request for it.

    Returns:
        None: There is nothing more for the model to answer in this call.
    """
    state = ctx.request_state or ""
    rounds = int(state) if state.isdecimal() else 0
    for key, response in (ctx.input_responses or {}).items():
        work = await _work_of(desk, run_id, key)
        if work is None:  # somebody else was quicker
            continue
        wrong = await _take(ctx, desk, work, response)
        desk.handed.free(work)
        if wrong is not None and _may_be_sampled(desk, work) and rounds < _MOST_ROUNDS:
            return _request_in_return(ctx, desk, work, rounds, wrong)
    if rounds >= _MOST_ROUNDS:
        return None

    async def progress(count: int, message: str) -> None:
        await ctx.report_progress(count, None, message)

    found = await wait_for_work(desk, run_id, seconds, progress, client_name(ctx))
    possible = [work for work in found if _may_be_sampled(desk, work)]
    return _request_in_return(ctx, desk, possible[0], rounds) if possible else None


def _samples(ctx: Context) -> bool:
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.sampling is not None


def _may_be_sampled(desk: Desk, work: Work) -> bool:
    return bool(work.details.get("sampling", True)) and desk.handed.may_ask(work)


async def _sample(ctx: Context, desk: Desk, work: Work) -> None:
    """Ask the client's model for the answer to a task, and again where it does not fit."""
    wrong: tuple[str, str] | None = None
    while _may_be_sampled(desk, work):
        desk.handed.ask(work, client_name(ctx), _ANSWER_SECONDS)
        try:
            result = await ctx.session.send_request(
                CreateMessageRequest(params=_params(work, wrong)),
                CreateMessageResult,
                request_read_timeout_seconds=_ANSWER_SECONDS,
                metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
            )
            wrong = await _take(ctx, desk, work, result)
        except (MCPError, ValidationError):  # the person said no, or the client cannot do it after all
            desk.handed.give_up(work)
            return
        finally:
            desk.handed.free(work)
        if wrong is None:
            return


async def _take(ctx: Context, desk: Desk, work: Work, result: InputResponse) -> tuple[str, str] | None:
    """Take an answer; where it does not fit, return it with what is wrong."""
    text = _text_of(result)
    if text is None or not isinstance(result, CreateMessageResult):
        desk.handed.give_up(work)
        return None
    try:
        fitted = fit(work.schema, text)
    except UsageError as error:
        return text, str(error)
    model = one_line(result.model, 60)
    by = plain(f"{client_name(ctx)} (MCP sampling{f', {model}' if model else ''})")
    try:
        await submit(desk, work, Answer(True, by, fitted))
    except UsageError:  # somebody else was quicker, or the run's state says what is wrong with it
        return None
    return None


def _text_of(result: InputResponse) -> str | None:
    """Return what a model has said; None: nothing, no text, or only a part of it."""
    if not isinstance(result, CreateMessageResult) or result.stop_reason == "maxTokens":
        return None
    content = result.content
    return content.text if isinstance(content, TextContent) and content.text.strip() else None


async def _work_of(desk: Desk, run_id: str, key: str) -> Work | None:
    """Return the open task that a request was for."""
    try:
        run, number = split_task_id(key.partition("#")[0])
    except UsageError:
        return None
    found = open_work(await desk.states.fold(run_id)) if run == run_id else []
    return next((work for work in found if work.number == number and not work.is_over), None)


def _request_in_return(
    ctx: Context, desk: Desk, work: Work, rounds: int, wrong: tuple[str, str] | None = None
) -> InputRequiredResult:
    times = desk.handed.ask(work, client_name(ctx), _ANSWER_SECONDS)
    request = CreateMessageRequest(params=_params(work, wrong))
    key = f"{work.task_id}#{times}"
    return InputRequiredResult(input_requests={key: request}, request_state=str(rounds + 1))


def _params(work: Work, wrong: tuple[str, str] | None) -> CreateMessageRequestParams:
    details = work.details
    messages = [_said("user", work.prompt)]
    if wrong is not None:
        messages += [_said("assistant", wrong[0]), _said("user", f"{wrong[1]}\nAnswer again.")]
    limit, model, temperature = (details.get(key) for key in ("max_tokens", "model", "temperature"))
    return CreateMessageRequestParams(
        messages=messages,
        system_prompt=_system(work),
        max_tokens=limit if isinstance(limit, int) else _MOST_TOKENS,
        temperature=float(temperature) if isinstance(temperature, int | float) else None,
        model_preferences=ModelPreferences(hints=[ModelHint(name=model)]) if isinstance(model, str) else None,
    )


def _system(work: Work) -> str:
    parts = [str(work.details.get("system") or "")]
    if work.schema is None:
        parts.append("Your answer is taken as it is: give the result alone, without a word around it.")
    else:
        schema = json.dumps(work.schema, ensure_ascii=False)
        parts.append(
            f"Answer with JSON that fits this JSON Schema, and with nothing else around it:\n{schema}"
        )
    return "\n\n".join(part for part in parts if part)


def _said(role: Role, text: str) -> SamplingMessage:
    return SamplingMessage(role=role, content=TextContent(type="text", text=text))
