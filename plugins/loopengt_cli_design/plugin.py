"""Registers the commands ``init``, ``design`` and ``graph``, and the gate that holds the architect to its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.gates import GateKind
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register the commands."""
    register("design", "loopengt_cli_design.design:design", summary="Make a loop for a goal")
    register("graph", "loopengt_cli_design.graph:graph", summary="Draw a loop, or the path that a run took")
    register(
        "init", "loopengt_cli_design.init:init", summary="Make a folder a project, with a loop to start from"
    )


@hookimpl
def loopengt_register_gates(register: Register[GateKind]) -> None:
    """Register ``loop_spec``."""
    register(
        "loop_spec",
        "loopengt_cli_design.proposals.gate:LoopSpecGates",
        summary="Passes when the output is a loop that validate calls sound, and that checks its own work",
    )
