"""Registers the gate kinds that need no model's opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.gates import GateKind
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_gates(register: Register[GateKind]) -> None:
    """Register ``expression``, ``command``, ``schema`` and ``approval``."""
    register(
        "expression",
        "loopengt_gates.expression:ExpressionGates",
        summary="Passes when a condition on the result is true",
    )
    register(
        "command",
        "loopengt_gates.command:CommandGates",
        summary="Passes when a program, such as a linter or the tests, succeeds in the workspace",
    )
    register(
        "schema",
        "loopengt_gates.schema:SchemaGates",
        summary="Passes when the output satisfies a JSON Schema",
    )
    register(
        "approval",
        "loopengt_gates.approval:ApprovalGates",
        summary="Passes when a person approves, with `loopengt approve`; the run pauses until then",
    )
