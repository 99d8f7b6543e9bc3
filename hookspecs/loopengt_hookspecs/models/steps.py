"""The steps of a loop and what each depends on."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator

from loopengt_hookspecs.models._base import Declarative, LongText, Name, OpenDict, Reference
from loopengt_hookspecs.models.enums import Effects, PromptEngine, SessionMode
from loopengt_hookspecs.models.memory import StepMemory
from loopengt_hookspecs.models.policy import Budget

__all__ = ["StepDependency", "StepSpec"]


class StepDependency(Declarative):
    """A step that has to be completed first."""

    step_name: Reference = Field(description="Name of the step to wait for.")
    condition: str | None = Field(
        default=None,
        description="Expression on that step's result; the dependent step is skipped when it is falsy.",
    )


def _expand(value: object) -> object:
    return {"step_name": value} if isinstance(value, str) else value


class _OrName:
    # BeforeValidator's json_schema_input_type would say the same, but breaks in pydantic 2.10.0 and 2.11.0.
    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}


Dependency: TypeAlias = Annotated[StepDependency, BeforeValidator(_expand), _OrName()]
"""A dependency, or the name of its step alone."""


class StepSpec(Declarative):
    """One piece of work, done by one agent, or by a loop of its own."""

    name: Name = Field(description="Name of the step, by which others refer to it and its output.")
    description: LongText = Field(default="", description="What the step does.")
    agent: Reference = Field(
        default="", description="Name of the agent that does the step; required unless loop is given."
    )
    loop: Reference | None = Field(
        default=None,
        description="In place of an agent: the file of a loop, relative to this one, run as a child run.",
    )
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description="With loop: names of the child's context, each with the expression that gives its value.",
    )
    for_each: str | None = Field(
        default=None,
        description="Expression that gives a list: the step is executed once for each of its items, which "
        "prompts and expressions see as item; its output is the list of their outputs, in order.",
    )
    prompt_template: str = Field(
        default="", description="Prompt for the agent, with {variable} placeholders."
    )
    prompt_engine: PromptEngine = Field(
        default=PromptEngine.SIMPLE, description="How the prompt is rendered."
    )
    tools: list[Reference] = Field(
        default_factory=list, description="Names of the tools that the step may use."
    )
    memory: StepMemory | None = Field(
        default=None, description="What the step reads from memory before, and writes to it after."
    )
    context_tokens: int | None = Field(
        default=None,
        ge=1,
        description="Most tokens of what the prompt takes from the run; more is summarized. null: no limit.",
    )
    summarizer: Reference = Field(
        default="extractive",
        description="Who summarizes it: extractive, or an agent of the loop, which then writes a summary.",
    )
    session: SessionMode = Field(
        default=SessionMode.FRESH,
        description="Whether the agent begins afresh, or goes on with its last conversation in the run.",
    )
    dependencies: list[Dependency] = Field(
        default_factory=list,
        description="Steps that come first; a name alone is short for {step_name: name}.",
    )
    verification_gates: list[Reference] = Field(
        default_factory=list, description="Names of the gates that the step's result must pass."
    )
    timeout_seconds: float | None = Field(
        default=None, gt=0, description="Seconds that one attempt may take; null: the agent's limit."
    )
    allow_retry: bool = Field(
        default=True, description="Whether a failed attempt may be followed by another."
    )
    budget: Budget | None = Field(
        default=None, description="Most that all executions of the step may consume."
    )
    checkpoint: bool = Field(
        default=False,
        description="Whether a checkpoint, with the state of the workspace, is saved when it is completed.",
    )
    effects: Effects = Field(
        default=Effects.IDEMPOTENT, description="What executing the step a second time would do to the world."
    )
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )

    @model_validator(mode="after")
    def _is_done_by_one(self) -> Self:
        if self.loop is None and not self.agent:
            raise ValueError(
                f"the step {self.name!r} names no agent: add agent, or loop for a loop of its own"
            )
        if self.loop is not None and self.agent:
            raise ValueError(f"the step {self.name!r} has both agent and loop: take one of them out")
        if self.inputs and self.loop is None:
            raise ValueError(f"the step {self.name!r} has inputs, which only a step with loop takes")
        return self
