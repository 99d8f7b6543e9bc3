"""Registers the judges, and the gate kind judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.gates import GateKind
    from loopengt_hookspecs.judges import JudgeKind
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_gates(register: Register[GateKind]) -> None:
    """Register judge."""
    register("judge", "loopengt_judges.gate:JudgeGates", summary="A judge's score on the output")


@hookimpl
def loopengt_register_judges(register: Register[JudgeKind]) -> None:
    """Register the built-in judges."""
    register("exact", "loopengt_judges.exact:ExactJudge", summary="The output is what was expected")
    register(
        "quality", "loopengt_judges.quality:QualityJudge", summary="An agent scores how good the output is"
    )
