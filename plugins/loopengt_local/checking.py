"""Finds all that a loop declares and a run of it would refuse, each with its place, without a run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from loopengt.judging import with_agent
from loopengt_hookspecs.errors import LoopengtError, LoopRefused, MissingRequirement
from loopengt_hookspecs.models import VerificationGate
from loopengt_local.calling.toolbox import ToolBox, allowed_tools
from loopengt_local.refusing import Place, not_enforced, refuse_same_names, refuse_unable, unsupported
from loopengt_local.remembering.fitting import FitRule
from loopengt_local.remembering.memories import MemoryRule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.models import LoopSpec, StepSpec
    from loopengt_hookspecs.registration import Components

__all__ = ["check_loop"]


def check_loop(spec: LoopSpec, components: Components, project: Path) -> None:
    """Refuse what ``compile_loop`` would refuse. Nothing of the loop is imported, and loops below it are left out.

    Raises:
        LoopRefused: It names everything.
    """
    checking = _Checking(spec, components, project)
    for place, what in unsupported(spec):
        checking.refusals.append((place, not_enforced(spec, what)))
    checking.agents()
    checking.tools()
    checking.gates()
    checking.steps()
    if checking.refusals:
        raise LoopRefused(checking.refusals)


class _Checking:
    """Binds the parts of one spec, one after the other, and gathers what cannot be bound."""

    def __init__(self, spec: LoopSpec, components: Components, project: Path) -> None:
        self.refusals: list[tuple[Place, LoopengtError]] = []
        self._spec = spec
        self._components = components
        self._project = project
        self._agents: dict[str, Agent] = {}

    def agents(self) -> None:
        """Bind the agents, and the gates that their schemas are."""
        for index, role in enumerate(self._spec.agents):
            with self._at("agents", index):
                provider = self._components.get("agents", role.config.provider)
                self._agents[role.name] = provider.bind(role, self._project)
            for key, schema in (("input_schema", role.input_schema), ("output_schema", role.output_schema)):
                if schema:
                    self._schema(schema, "agents", index, key)

    def tools(self) -> None:
        """Bind the tools."""
        for index, tool in enumerate(self._spec.tools):
            with self._at("tools", index):
                ToolBox().add(tool, self._spec, self._components, self._project)

    def gates(self) -> None:
        """Bind the gates."""
        for index, gate in enumerate(self._spec.policy.verification_gates):
            with self._at("policy", "verification_gates", index):
                named = with_agent(gate, {role.name: role.config for role in self._spec.agents})
                self._components.get("gates", gate.kind).bind(named, self._project)
        declared = self._spec.output_schema
        if declared is not None and declared.schema_def:
            self._schema(declared.schema_def, "output_schema", "schema_def")

    def steps(self) -> None:
        """Check what the steps ask of their agents, of memory and of summarizers."""
        for index, step in enumerate(self._spec.steps):
            if step.loop is None and step.agent in self._agents:
                self._agent_of(step, index)
            with self._at("steps", index, "summarizer"):
                FitRule.of(step, self._spec, self._components)
            if step.memory is not None:
                with self._at("steps", index, "memory"):
                    MemoryRule.of(step.memory, self._components)

    def _agent_of(self, step: StepSpec, index: int) -> None:
        role = next(role for role in self._spec.agents if role.name == step.agent)
        names = tuple(allowed_tools(role, step))
        with self._at("steps", index):
            refuse_unable(step, role, self._agents[role.name], names)
        with self._at("steps", index):
            refuse_same_names(step, (tool for tool in self._spec.tools if tool.name in names))

    def _schema(self, schema: dict[str, Any], *place: str | int) -> None:
        declared = {"name": str(place[-1]), "kind": "schema", "schema": schema}
        with self._at(*place):
            self._components.get("gates", "schema").bind(
                VerificationGate.model_validate(declared), self._project
            )

    @contextmanager
    def _at(self, *place: str | int) -> Iterator[None]:
        try:
            yield
        except MissingRequirement:  # the machine lacks something, and the loop does not
            return
        except LoopengtError as error:
            if not any(place[: len(told)] == told[: len(place)] for told, _ in self.refusals):
                self.refusals.append((place, error))
