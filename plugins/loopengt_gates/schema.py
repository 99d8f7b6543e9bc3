"""The gate kind ``schema``: the step's output must satisfy a JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from loopengt.json_schema import MOST, JsonSchema, SchemaProblem, listed
from loopengt.wants_text import wants_text
from loopengt_gates.text import shown_value
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.gates import GateVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.gates import GateRequest
    from loopengt_hookspecs.models import VerificationGate

__all__ = ["SchemaGate", "SchemaGates"]


class SchemaGates:
    """Makes gates that validate against a JSON Schema."""

    def bind(self, gate: VerificationGate, project: Path) -> SchemaGate:
        """Compile the gate's schema.

        Raises:
            UsageError: It is not a JSON Schema, or it refers to another document.
        """
        return SchemaGate(gate.name, gate.schema_def or {})


class SchemaGate:
    """Passes when the output is valid under the schema (2020-12, unless ``$schema`` names another draft).

    An output that is text is read as JSON first, unless the schema wants text.

    Args:
        name: The gate's name, for messages.
        schema: The JSON Schema. References may only point into itself.

    Raises:
        UsageError: It is not a JSON Schema, or it refers to another document.
    """

    pure = True

    def __init__(self, name: str, schema: dict[str, Any]) -> None:
        try:
            self._schema = JsonSchema(schema)
        except SchemaProblem as problem:
            raise UsageError(
                f"the schema of gate {name!r} cannot be used: {problem}",
                remedy="Correct the schema; what it refers to must be inside it, under $defs.",
            ) from None
        self._wants_text = wants_text(schema)
        self._properties = ", ".join(map(str, schema.get("required", [])[:MOST]))

    def plan(self) -> str:
        """What is checked."""
        return "validate the output against the schema" + (
            f" (required: {self._properties})" if self._properties else ""
        )

    def missing(self) -> list[MissingRequirement]:
        """Nothing: the schema is all there."""
        return []

    async def check(self, request: GateRequest) -> GateVerdict:
        """Validate the output."""
        output = request.result.output
        if isinstance(output, str) and self._wants_text is not True:
            try:
                output = msgspec.json.decode(output.strip().encode("utf-8", "replace"))
            except (msgspec.DecodeError, RecursionError) as error:
                if self._wants_text is False:
                    return self._not_json(output, error)
        violations = self._schema.violations(output)
        if not violations:
            return GateVerdict(True, proof={"violations": []})
        return GateVerdict(
            False,
            f"The output does not satisfy the schema ($ stands for the output):\n{listed(violations)}",
            {"violations": violations[:MOST]},
        )

    def _not_json(self, output: str, error: Exception) -> GateVerdict:
        violation = f"$: the output is text that is not JSON: {error}"
        return GateVerdict(
            False,
            f"The output must be JSON alone, without other text around it.\n- {violation}\n"
            f"It is: {shown_value(output)}",
            {"violations": [violation]},
        )
