"""The provider ``auto``: hands every attempt to the first provider that this machine can use."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from loopengt import StorageError
from loopengt.journal import read_events
from loopengt_agent_auto.choosing import NAME, Candidate, Chooser
from loopengt_agent_auto.options import AutoOptions
from loopengt_hookspecs.agents import MissingRequirement
from loopengt_hookspecs.errors import RunNotFound
from loopengt_hookspecs.models import AgentConfig, AgentRole

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentReply, AgentRequest
    from loopengt_hookspecs.registration import Components, PluginContext

__all__ = ["AutoAgent", "AutoProvider"]

_REMEMBERED_RUNS = 256


class AutoProvider:
    """Makes agents that are done by the first usable provider of ``[agents] auto``, or of a built-in order.

    Args:
        components: Where the providers are found.
    """

    options = AutoOptions

    def __init__(self, components: Components) -> None:
        self._components = components

    @classmethod
    def from_context(cls, context: PluginContext) -> AutoProvider:
        """Make the provider of a kernel."""
        return cls(context.components)

    def bind(self, role: AgentRole, project: Path) -> AutoAgent:
        """Make the agent of one role; who does it is decided when that is first asked."""
        return AutoAgent(role.name, Chooser(self._components, project, role), self._components)

    def survey(self, project: Path) -> list[tuple[str, str, str]]:
        """Say of each provider, in order, whether this machine can use it, for ``loopengt doctor``.

        Returns:
            Name, why it cannot be used (empty: it can), and what would mend that. Those behind the first that can
            be used are left out.
        """
        role = AgentRole(name=NAME, config=AgentConfig(provider=NAME))
        chooser = Chooser(self._components, project, role)
        chosen = chooser.first()
        passed_over = chooser.before(chosen.provider if chosen is not None else "")
        found = [(candidate.provider, candidate.why, candidate.remedy) for candidate in passed_over]
        return found + ([(chosen.provider, "", "")] if chosen is not None else [])


class AutoAgent:
    """Hands each attempt to the agent of the chosen provider.

    A run stays with its choice, which is an event of its journal, also over a resume on a machine that has changed;
    only when that provider can no longer be used is another one chosen.

    Args:
        name: The agent's name, for messages.
        chooser: Tries the providers.
        components: Gives the storage with the journals.
    """

    def __init__(self, name: str, chooser: Chooser, components: Components) -> None:
        self._name = name
        self._chooser = chooser
        self._components = components
        self._chosen: Candidate | None = None
        self._of_runs: OrderedDict[str, str] = OrderedDict()
        """Which provider does it in each of the latest runs."""

    @property
    def free(self) -> bool:
        """Whether the chosen agent never costs anything."""
        return self._says("free", otherwise=False)

    @property
    def reports_cost(self) -> bool:
        """Whether the chosen agent always says what a call has cost."""
        return self._says("reports_cost")

    @property
    def takes_tools(self) -> bool:
        """Whether the chosen agent calls tools."""
        return self._says("takes_tools")

    @property
    def keeps_sessions(self) -> bool:
        """Whether the chosen agent can go on with an earlier conversation."""
        return self._says("keeps_sessions")

    def plan(self) -> str:
        """Who would do it, what that one would execute, and why it is not one before."""
        chosen = self._choose()
        if chosen is None or chosen.agent is None:
            return "auto: no provider of the order can be used on this machine"
        return f"auto: {chosen.provider}: {chosen.agent.plan()} ({self._because(chosen)})"

    def missing(self) -> list[MissingRequirement]:
        """What all providers of the order lack, or the options that the chosen one does not take."""
        self._chooser.forget()
        self._chosen = None
        chosen = self._choose()
        if chosen is None:
            return [self._none_usable()]
        return [self._misfit(chosen)] if chosen.misfits else []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Hand the attempt over.

        Raises:
            MissingRequirement: No provider of the order can be used, or the chosen one does not take the options.
            AgentError: What the chosen agent raises.
        """
        chosen = await self._for_run(request)
        if chosen.misfits:
            raise self._misfit(chosen)
        assert chosen.agent is not None, "what is chosen can be used"
        reply = await chosen.agent.invoke(request)
        reply.metadata = {**reply.metadata, "auto": chosen.provider}
        return reply

    # -- the choice -------------------------------------------------------------------------------------------

    def _choose(self) -> Candidate | None:
        if self._chosen is None:
            self._chosen = self._chooser.first()
        return self._chosen

    async def _for_run(self, request: AgentRequest) -> Candidate:
        told = self._of_runs.get(request.run_id)
        before = told if told is not None else await self._recorded(request)
        chosen = self._chooser.candidate(before) if before else self._choose()
        note = ""
        if before and chosen is not None and not chosen.usable:
            note = f"{before}, which did it before, can no longer be used: {chosen.why}; "
            chosen = self._choose()
        if chosen is None:
            self._chooser.forget()
            raise self._none_usable()
        if chosen.provider != before:
            because = f"{note}{self._because(chosen)}"
            request.emit("custom", {NAME: chosen.provider, "agent": self._name, "because": because})
        self._of_runs[request.run_id] = chosen.provider
        self._of_runs.move_to_end(request.run_id)
        while len(self._of_runs) > _REMEMBERED_RUNS:
            self._of_runs.popitem(last=False)
        return chosen

    async def _recorded(self, request: AgentRequest) -> str:
        """Return the provider that the run's journal names for the agent, the latest; empty: none."""
        found = ""
        try:
            storage = self._components.opened_storage()
            async for events in read_events(storage, request.run_id, blobs=False, together=16):
                for event in events:
                    data: dict[str, Any] = event.data
                    if event.type == "custom" and data.get("agent") == self._name and NAME in data:
                        found = str(data[NAME])
        except (RunNotFound, StorageError):  # nothing to go by; the engine tells of a storage that fails
            return found
        return found

    def _because(self, chosen: Candidate) -> str:
        passed = self._chooser.before(chosen.provider)
        if not passed:
            return "it is the first of the order"
        return "; ".join(f"not {other.provider}: {other.why}" for other in passed if not other.usable)

    def _says(self, attribute: str, *, otherwise: bool = True) -> bool:
        # Without a usable provider nothing is executed that a loop would have to be protected from.
        chosen = self._choose()
        return otherwise if chosen is None else bool(getattr(chosen.agent, attribute, False))

    def _none_usable(self) -> MissingRequirement:
        lines = [
            f"  {other.provider}: {other.why}" + (f" -> {other.remedy}" if other.remedy else "")
            for other in self._chooser.before("")
        ]
        return MissingRequirement(
            "\n".join([f"agent {self._name!r}: none of the providers of auto can be used here", *lines]),
            remedy="Mend one of them, or name others: [agents] auto = [...] in .loopengt/config.toml.",
        )

    def _misfit(self, chosen: Candidate) -> MissingRequirement:
        return MissingRequirement(
            f"agent {self._name!r}: auto is done by {chosen.provider}, which does not take the options "
            f"{', '.join(chosen.misfits)}",
            remedy="Take them out of config.extra, or name the provider that they are for in place of auto.",
        )
