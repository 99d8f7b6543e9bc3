"""The judge ``json_schema``: whether the output satisfies a JSON Schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ConfigDict, Field, field_validator

from loopengt.json_schema import MOST, JsonSchema, SchemaProblem, listed
from loopengt.wants_text import wants_text
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.plain import PlainJudge
from loopengt_judges.subjects import OutputOptions, judged

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["JsonSchemaJudge"]


class JsonSchemaOptions(OutputOptions):
    """Options of the judge ``json_schema``."""

    model_config = ConfigDict(populate_by_name=True)

    schema_def: dict[str, Any] = Field(
        alias="schema",
        min_length=1,
        description="JSON Schema (2020-12); references may only point into itself.",
    )

    @field_validator("schema_def")
    @classmethod
    def _compiles(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            JsonSchema(value)
        except SchemaProblem as problem:
            raise ValueError(f"the schema cannot be used: {problem}") from None
        return value


class JsonSchemaJudge(PlainJudge[JsonSchemaOptions]):
    """Validates the output; text is read as JSON, unless text is what the schema wants."""

    options = JsonSchemaOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return "validate against a JSON Schema"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score 1 when it is valid, else 0."""
        schema = self.chosen.schema_def
        found = judged(self.chosen, request)
        if isinstance(found, str) and wants_text(schema) is not True:
            try:
                found = json.loads(found, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                if wants_text(schema) is False:
                    return JudgeVerdict(0.0, f"it is text that is not JSON: {error}")
        violations = JsonSchema(schema).violations(found)
        if not violations:
            return JudgeVerdict(1.0)
        told = f"it does not satisfy the schema ($ stands for it):\n{listed(violations)}"
        return JudgeVerdict(0.0, told, details={"violations": violations[:MOST]})


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
