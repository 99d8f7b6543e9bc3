"""Middleware: every agent is told today's date. It is named in ``[engine] middleware`` of config.toml."""

import dataclasses
from datetime import UTC, datetime

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.middleware import CallNext, Middleware
from loopengt_hookspecs.registration import Register


class Today:
    """Passes a changed copy on; the request itself stays as it is."""

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        today = f"Today is {datetime.now(UTC):%Y-%m-%d}."
        told = f"{request.system_prompt}\n\n{today}".strip()
        return await call_next(dataclasses.replace(request, system_prompt=told))


@hookimpl
def loopengt_register_middleware(register: Register[Middleware]) -> None:
    register("today", Today, summary="Tells every agent the date")
