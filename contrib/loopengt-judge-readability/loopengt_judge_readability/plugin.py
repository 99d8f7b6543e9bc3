"""Registers the judge ``readability``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeKind
    from loopengt_hookspecs.registration import Register

LOOPENGT_API = "1.0"


@hookimpl
def loopengt_register_judges(register: Register[JudgeKind]) -> None:
    """Register ``readability``."""
    register(
        "readability",
        "loopengt_judge_readability.judge:Readability",
        summary="How easy the output is to read, by a formula and without a model",
    )
