"""Options: a middleware whose pause is set by ``[plugins.NAME] seconds`` in config.toml."""

import asyncio
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from loopengt import PluginContext
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.middleware import CallNext, Middleware
from loopengt_hookspecs.options import RegisterOptions
from loopengt_hookspecs.registration import Register


class PauseOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(default=0.0, ge=0, le=60, description="Seconds to wait before each attempt.")


class Pause:
    def __init__(self, options: PauseOptions) -> None:
        self._seconds = options.seconds

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        return cls(context.options)

    async def __call__(self, request: AgentRequest, call_next: CallNext) -> AgentReply:
        await asyncio.sleep(self._seconds)
        return await call_next(request)


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    register(PauseOptions)


@hookimpl
def loopengt_register_middleware(register: Register[Middleware]) -> None:
    register("pause", Pause, summary="Waits before each attempt")
