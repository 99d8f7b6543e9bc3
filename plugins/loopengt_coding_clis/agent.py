"""The agent that a coding CLI is; where it has reached a limit, the next of ``failover`` does the same step."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.processes import attempt_variables
from loopengt_coding_clis.verdict import LIMIT_KINDS
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement, RateLimited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_coding_clis.running import Cli
    from loopengt_hookspecs.agents import AgentRequest

__all__ = ["CliAgent"]


class CliAgent:
    """Runs a coding CLI once for each attempt, in the run's workspace.

    Its environment is a short allow-list of ours, the CLI's own keys, what ``env`` and ``pass_env`` add, and the
    variables LOOPENGT_RUN_ID, LOOPENGT_LOOP, LOOPENGT_STEP, LOOPENGT_OCCURRENCE, LOOPENGT_ATTEMPT, LOOPENGT_AGENT,
    LOOPENGT_IDEMPOTENCY_KEY and LOOPENGT_WORKSPACE.

    Args:
        clis: The CLI itself, then those that take over from it, in order.
        project: The project folder, in which ``missing`` looks for programs given by a relative path.
        system_prompt: Whether the role has one, for ``plan``.
    """

    keeps_sessions = True

    def __init__(self, clis: Sequence[Cli], project: Path, *, system_prompt: bool = False) -> None:
        self._clis = tuple(clis)
        self._project = project
        self._has_system_prompt = system_prompt
        self.reports_cost = all(cli.dialect.reports_cost for cli in clis)
        """Whether every answer says what the call has cost."""

    def plan(self) -> str:
        """The command line without the prompts, and who takes over."""
        first, *others = self._clis
        system = "…" if self._has_system_prompt and first.dialect.takes_system_prompt else ""
        turn = replace(first.turn, prompt="…", system_prompt=system, workspace=self._project)
        how = "standard input" if first.dialect.prompt == "stdin" else "an argument, shown as …"
        line = f"{shlex.join(first.argv(turn, self._project))}  (prompt: {how})"
        if not others:
            return line
        names = [
            cli.dialect.name if cli.found(self._project) else f"{cli.dialect.name} (not installed)"
            for cli in others
        ]
        return f"{line}  (at a limit: {', then '.join(names)})"

    def missing(self) -> list[MissingRequirement]:
        """What the CLI itself lacks; of those that take over, one that is not installed is left out when it is time."""
        return self._clis[0].missing(self._project)

    async def version(self) -> str | None:
        """Return what the CLI says its version is; None: nothing within 5 seconds."""
        return await self._clis[0].version(self._project)

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Run the CLI, or the first of ``failover`` that has reached no limit.

        Raises:
            AgentError: As ``judge`` in ``loopengt_coding_clis.verdict`` says; ``QuotaExceeded`` when all have reached a
                limit and none says until when.
            RateLimited: All have, and at least one says until when: until the earliest of these times.
            MissingRequirement: The CLI's program or a variable of ``pass_env`` is not there.
        """
        limits: dict[str, AgentError] = {}
        variables = attempt_variables(request)
        for cli in self._clis:
            name = cli.dialect.name
            if limits and cli.missing(request.workspace):
                request.emit(
                    "custom", {"what": "coding_cli.failover", "skipped": name, "why": "not installed"}
                )
                continue
            if limits:
                request.emit("custom", {"what": "coding_cli.failover", "to": name, "from": list(limits)})
            try:
                reply = await cli.invoke(request, variables)
            except AgentError as error:
                if error.kind not in LIMIT_KINDS or len(self._clis) == 1:
                    raise
                limits[name] = error
                continue
            return _with_earlier(reply, limits)
        raise _all_limited(limits)


def _with_earlier(reply: AgentReply, limits: dict[str, AgentError]) -> AgentReply:
    """Add to a reply what the CLIs before it have used."""
    if not limits:
        return reply
    reply.metadata["failed_over_from"] = list(limits)
    reply.token_usage = _tokens(reply.token_usage, limits)
    spent = [error.cost_usd for error in limits.values() if error.cost_usd]
    if spent and reply.cost_usd is not None:
        reply.cost_usd += sum(spent)
    return reply


def _all_limited(limits: dict[str, AgentError]) -> AgentError:
    waits = [error.retry_after for error in limits.values() if isinstance(error, RateLimited)]
    known = [wait for wait in waits if wait is not None]
    told = "\n".join(error.message for error in limits.values())
    costs = [error.cost_usd for error in limits.values() if error.cost_usd is not None]
    tokens, cost = _tokens({}, limits) or None, sum(costs) if costs else None
    message = f"{', '.join(limits)} have all reached a limit:\n{told}"
    if known:
        return RateLimited(message, retry_after=min(known), token_usage=tokens, cost_usd=cost)
    remedy = "Resume the run later, or name further CLIs in failover."
    # Nothing but time, or a person, mends that; then the run goes on where it was.
    return MissingRequirement(message, remedy=remedy, kind="QuotaExceeded", token_usage=tokens, cost_usd=cost)


def _tokens(usage: dict[str, int], limits: dict[str, AgentError]) -> dict[str, int]:
    total = dict(usage)
    for error in limits.values():
        for kind, number in (error.token_usage or {}).items():
            total[kind] = total.get(kind, 0) + number
    return total
