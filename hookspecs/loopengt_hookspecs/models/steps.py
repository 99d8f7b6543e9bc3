"""The steps of a loop and what each depends on."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler

from loopengt_hookspecs.models._base import Declarative, LongText, Name, OpenDict, Reference
from loopengt_hookspecs.models.enums import Effects, PromptEngine

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
    """One piece of work, done by one agent."""

    name: Name = Field(description="Name of the step, by which others refer to it and its output.")
    description: LongText = Field(default="", description="What the step does.")
    agent: Reference = Field(description="Name of the agent that does the step.")
    prompt_template: str = Field(
        default="", description="Prompt for the agent, with {variable} placeholders."
    )
    prompt_engine: PromptEngine = Field(
        default=PromptEngine.SIMPLE, description="How the prompt is rendered."
    )
    tools: list[Reference] = Field(
        default_factory=list, description="Names of the tools that the step may use."
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
    effects: Effects = Field(
        default=Effects.IDEMPOTENT, description="What executing the step a second time would do to the world."
    )
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )
