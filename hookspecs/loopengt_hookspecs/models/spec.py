"""The whole of a loop.yaml: goal, agents, steps, policy and stop conditions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from loopengt_hookspecs.models._base import Declarative, Name, OpenDict, Reference
from loopengt_hookspecs.models.agents import AgentRole
from loopengt_hookspecs.models.enums import PatternName, StopKind, TriggerType, WorkspaceKind
from loopengt_hookspecs.models.handoff import HandoffConfig
from loopengt_hookspecs.models.mcp import McpServer
from loopengt_hookspecs.models.policy import Policy
from loopengt_hookspecs.models.steps import StepSpec
from loopengt_hookspecs.models.tools import ToolSpec

__all__ = ["LoopSpec", "LoopTrigger", "OutputSchema", "StopCondition"]


class LoopTrigger(Declarative):
    """What starts the loop."""

    trigger_type: Reference = Field(
        default=TriggerType.MANUAL.value,
        description="manual, schedule, webhook, event or a registered trigger.",
        examples=[kind.value for kind in TriggerType],
    )
    config: OpenDict = Field(
        default_factory=dict, description="Options of the trigger, which validates them itself."
    )


class StopCondition(Declarative):
    """A condition that ends the run when it holds."""

    condition_type: Reference = Field(
        description="max_turns, goal_met, quality_threshold, timeout, manual, custom or a registered kind.",
        examples=[kind.value for kind in StopKind],
    )
    value: JsonValue = Field(
        default=None,
        description="What the kind compares with: a number, an expression or options; its type is kept.",
    )
    description: str = Field(default="", description="Why the loop ends here.")


class OutputSchema(Declarative):
    """What the loop's final output must look like."""

    schema_def: OpenDict = Field(
        default_factory=dict, description="JSON Schema that the output must satisfy."
    )
    required_fields: list[str] = Field(default_factory=list, description="Keys that the output must have.")
    description: str = Field(default="", description="What the output is.")


def _require_quotes(value: object) -> object:
    # YAML reads 1.0 as a number and 1.10 as 1.1, so the text that was meant cannot be recovered.
    if isinstance(value, int | float):
        raise ValueError(f'the version {value} is a number: put it in quotes, such as version: "{value}"')
    return value


class LoopSpec(Declarative):
    """A loop: agents that work in steps towards a goal, within a policy, until a stop condition holds.

    Only the shape is checked here. That names are unique, that what is named exists and that the
    dependencies have no cycle is checked when the kernel loads the spec.
    """

    # Pydantic takes this setting from the outermost model: a secret pasted into a tool's auth is not shown.
    model_config = ConfigDict(hide_input_in_errors=True)

    name: Name = Field(description="Name of the loop.")
    version: Annotated[str, BeforeValidator(_require_quotes)] = Field(
        default="1.0", description="Version of this loop, as text."
    )
    description: str = Field(default="", max_length=4096, description="What the loop is for.")
    goal: str = Field(min_length=1, description="What is to be reached; prompts can use it as {goal}.")
    pattern: Reference = Field(
        default=PatternName.SEQUENTIAL.value,
        description="How the steps are orchestrated: a built-in pattern or one that a plugin registers.",
        examples=[name.value for name in PatternName],
    )
    trigger: LoopTrigger = Field(default_factory=LoopTrigger, description="How the loop is started.")
    agents: list[AgentRole] = Field(min_length=1, description="The agents that steps can name.")
    tools: list[ToolSpec] = Field(
        default_factory=list, description="The tools that agents and steps can name."
    )
    mcp_servers: dict[Name, McpServer] = Field(
        default_factory=dict,
        description="MCP servers that tools can name, beside those of the project's config; of one name, this one.",
    )
    steps: list[StepSpec] = Field(min_length=1, description="The work, in declaration order.")
    policy: Policy = Field(default_factory=Policy, description="Limits, retries and gates.")
    stop_conditions: list[StopCondition] = Field(default_factory=list, description="When the run ends.")
    handoff: HandoffConfig = Field(
        default_factory=HandoffConfig, description="How agents pass work on. Pattern handoff."
    )
    workspace: WorkspaceKind = Field(
        default=WorkspaceKind.AUTO,
        description="Where a run works: on a copy of the project, in a git worktree, or on its own files.",
    )
    output_schema: OutputSchema | None = Field(
        default=None, description="What the final output must look like."
    )
    context: OpenDict = Field(
        default_factory=dict, description="Values that prompts and expressions can use."
    )
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )
