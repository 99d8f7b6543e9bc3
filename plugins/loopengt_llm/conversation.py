"""One attempt as a conversation: the model is asked and its tools are called until it has answered.

All that is decided here follows from results of calls alone, so a conversation that is taken up again after a crash
comes to the same requests, and goes on at the first that has no recorded result.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.calls import ToolOutcome
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.model_adapters import Message, ModelRequest
from loopengt_llm.structured import WrongOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.calls import Calls
    from loopengt_hookspecs.model_adapters import ModelResponse, ToolRequest
    from loopengt_hookspecs.tools import ToolOffer
    from loopengt_llm.options import AgentOptions
    from loopengt_llm.pool import OpenModel
    from loopengt_llm.structured import Mode, StructuredOutput
    from loopengt_llm.targets import Target

__all__ = ["Conversation"]

_NOTHING: Any = object()
_WRONG = "The answer does not fit its JSON Schema ($ stands for the answer):"


class Conversation:
    """The conversation of one attempt.

    Args:
        request: The attempt.
        model: Who is asked.
        target: The same in words, and the settings for it.
        options: The agent's options.
        structured: What the answer has to fit; None: it is text.
    """

    def __init__(
        self,
        request: AgentRequest,
        model: OpenModel,
        target: Target,
        options: AgentOptions,
        structured: StructuredOutput | None,
    ) -> None:
        self._calls: Calls = request.calls
        self._request = request
        self._model = model
        self._target = target
        self._options = options
        self._structured = structured
        self._mode: Mode | None = None
        self._messages: list[Message] = []
        self._tools: Sequence[ToolOffer] = ()
        self._final: ToolOffer | None = None
        """The tool whose input is the answer, in mode ``tool``."""
        self._responses: list[ModelResponse] = []
        self._corrections = 0

    async def hold(self) -> AgentReply:
        """Ask until there is an answer.

        Raises:
            AgentError: By ``kind``: ``OutputError``, ``OutputTruncated``, ``ContentFilter``, ``EmptyOutput``,
                ``InvalidResponse``, ``TooManyRequests``, ``NoCost``; or what a request to the model raises.
        """
        await self._begin()
        while True:
            response = await self._ask()
            answer = await (self._use_tools(response) if response.tool_requests else self._read(response))
            if answer is not _NOTHING:
                return AgentReply(answer, metadata=self._metadata())

    async def _begin(self) -> None:
        system, structured = self._request.system_prompt, self._structured
        self._tools = await self._calls.offers()
        if structured is not None:
            self._mode = await self._chosen_mode()
        if structured is not None and self._mode == "prompt":
            system = "\n\n".join(filter(None, (system, structured.instructions())))
        if structured is not None and self._mode == "tool":
            self._final = structured.offer({offer.name for offer in self._tools})
            self._tools = (*self._tools, self._final)
        if system:
            self._messages.append(Message("system", system))
        self._messages.append(Message("user", self._request.prompt))

    async def _chosen_mode(self) -> Mode:
        if self._options.output_mode != "auto":
            return self._options.output_mode
        return "native" if await self._model.knows_schemas() else "tool"

    async def _ask(self) -> ModelResponse:
        if len(self._responses) >= self._options.max_requests:
            raise self._failed(
                "TooManyRequests",
                f"has asked its model {len(self._responses)} times and has no answer yet",
                "Raise config.extra.max_requests, or tell the agent in its prompt when to stop.",
            )
        config = self._request.agent.config
        native = self._structured is not None and self._mode == "native"
        response = await self._calls.model(
            ModelRequest(
                messages=tuple(self._messages),
                tools=self._tools,
                output_schema=self._structured.shown if self._structured is not None and native else None,
                # The contract has a default, which models that reason refuse: only what was said is sent.
                temperature=config.temperature if "temperature" in config.model_fields_set else None,
                # Never less than declared: a limit made of what a budget leaves would cut off answers, and the
                # engine ends the run anyway once the budget is exhausted.
                max_tokens=config.max_tokens,
                tool_choice="required" if self._final is not None else "auto",
                settings=self._target.settings,
                on_text=self._calls.progress if self._options.stream else None,
            ),
            self._model.model.request,
        )
        self._responses.append(response)
        self._messages.append(response.message())
        self._refuse(response)
        return response

    def _refuse(self, response: ModelResponse) -> None:
        """Raise for an answer that is none, or only a part of one."""
        reason, limit = response.finish_reason, self._request.agent.config.max_tokens
        if reason == "length":
            raise self._failed(
                "OutputTruncated",
                f"was cut off after {limit} tokens"
                if limit
                else "was cut off at its model's limit of tokens",
                "Raise config.max_tokens of the agent, or ask for less."
                if limit
                else "Ask for less at a time.",
            )
        if reason == "content_filter":
            raise self._failed(
                "ContentFilter", "was stopped by the content filter of its service", "Change its prompt."
            )
        if reason == "error":
            raise self._failed(
                "InvalidResponse", "was cut off by an error of its service", kinds=("ConnectionError",)
            )
        if not response.tool_requests and not response.text.strip():
            raise self._failed("EmptyOutput", "answered with nothing")
        if (
            response.cost_usd is None
            and self._target.reports_cost
            and self._request.cost_left_usd is not None
        ):
            raise self._failed(
                "NoCost",
                "got an answer without its cost, which a budget in US dollars needs",
                "Give the agent a price, or set policy.budget.on_unknown_cost.",
            )

    # -- tools ----------------------------------------------------------------------------------------------------

    async def _use_tools(self, response: ModelResponse) -> Any:
        """Call all tools that the model asks for, at once, and tell it the outcomes; return an answer among them."""
        wishes = response.tool_requests
        final = self._final.name if self._final is not None else None
        called = [wish for wish in wishes if wish.name != final]
        outcomes = dict(zip(map(id, called), await self._call(called), strict=True))
        failed = any(outcome.is_error for outcome in outcomes.values())
        wrong = ""
        for wish in wishes:
            outcome = outcomes.get(id(wish))
            if outcome is None:
                answer, outcome = self._finish(wish, failed)
                if answer is not _NOTHING:
                    return answer
                wrong = wrong or ("" if failed else outcome.text())
            self._messages.append(
                Message(
                    "tool", outcome.text(), call_id=wish.call_id, name=wish.name, is_error=outcome.is_error
                )
            )
        if wrong:
            self._count_correction(wrong)
        return _NOTHING

    async def _call(self, wishes: Sequence[ToolRequest]) -> list[ToolOutcome]:
        if len(wishes) == 1:
            return [await self._calls.tool(wishes[0].name, wishes[0].arguments, call_id=wishes[0].call_id)]
        # Tasks start in the order of their making, so that the calls keep their numbers when they are repeated.
        tasks = [
            asyncio.ensure_future(self._calls.tool(wish.name, wish.arguments, call_id=wish.call_id))
            for wish in wishes
        ]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    def _finish(self, wish: ToolRequest, failed: bool) -> tuple[Any, ToolOutcome]:
        """Take the input of the final tool as the answer; the outcome is for the model where it is none."""
        assert self._structured is not None, "there is a final tool only where there is a schema"
        if failed:
            text = (
                f"Not taken, since another tool has failed. Look at its outcome, then call {wish.name} again."
            )
            return _NOTHING, ToolOutcome(text, is_error=True)
        try:
            return self._structured.read(wish.arguments), ToolOutcome("")
        except WrongOutput as wrong:
            return _NOTHING, ToolOutcome(
                f"{_WRONG}\n{wrong}\nCall {wish.name} again, corrected.", is_error=True
            )

    # -- answers --------------------------------------------------------------------------------------------------

    async def _read(self, response: ModelResponse) -> Any:
        """Take a text as the answer, or send it back."""
        if self._structured is None:
            return response.text
        try:
            return self._structured.read_text(response.text)
        except WrongOutput as wrong:
            self._count_correction(str(wrong))
            again = (
                f"Give the answer by calling {self._final.name}."
                if self._final is not None
                else f"Answer again, with the whole corrected JSON object alone. The schema: "
                f"{json.dumps(self._structured.shown, ensure_ascii=False)}"
            )
            self._messages.append(Message("user", f"{_WRONG}\n{wrong}\n{again}"))
            return _NOTHING

    def _count_correction(self, wrong: str) -> None:
        if self._corrections >= self._options.max_output_corrections:
            times = self._corrections + 1
            raise self._failed(
                "OutputError",
                f"gave {times} answer{'' if times == 1 else 's'} that do{'es' if times == 1 else ''} not fit its "
                f"output_schema; of the last ($ stands for the answer):\n{wrong.removeprefix(_WRONG).strip()}",
                "Simplify the output_schema, describe its fields, or raise config.extra.max_output_corrections.",
            )
        self._corrections += 1

    def _failed(self, kind: str, what: str, remedy: str = "", *, kinds: tuple[str, ...] = ()) -> AgentError:
        """Make the error of an attempt that cannot go on from what is recorded of it."""
        name = self._request.agent.name
        return AgentError(
            f"agent {name!r} ({self._target.name}) {what}",
            remedy=remedy,
            kind=kind,
            kinds=kinds,
            starts_over=True,
        )

    def _metadata(self) -> dict[str, Any]:
        last = self._responses[-1]
        known = {
            "model": last.model or self._target.model,
            "finish_reason": last.finish_reason,
            "requests": len(self._responses),
            "response_ids": [response.response_id for response in self._responses if response.response_id],
        }
        return {key: value for key, value in known.items() if value}
