"""An agent provider: its agents answer with the numbers that they find in their prompt."""

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.agents import AgentError, AgentProvider, AgentReply, AgentRequest, MissingRequirement
from loopengt_hookspecs.models import AgentRole
from loopengt_hookspecs.registration import Register


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sort: Literal["none", "up", "down"] = Field(default="none", description="How the numbers are sorted.")


class Numbers:
    """Makes the agents; ``config.extra`` of a role is held against ``options`` when the loop is loaded."""

    options = Options

    def bind(self, role: AgentRole, project: Path) -> "NumbersAgent":
        return NumbersAgent(Options.model_validate(role.config.extra))


class NumbersAgent:
    free = True

    def __init__(self, options: Options) -> None:
        self._sort = options.sort

    def plan(self) -> str:
        return "list the numbers of the prompt"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        found = [int(digits) for digits in re.findall(r"[0-9]{1,15}", request.prompt)]
        if not found:
            raise AgentError(f"the prompt of step {request.step!r} has no number", kind="NoNumber")
        ordered = found if self._sort == "none" else sorted(found, reverse=self._sort == "down")
        return AgentReply(ordered, cost_usd=0.0, cost_source="reported")


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    register("numbers", Numbers, summary="Lists the numbers of a prompt")
