"""Registers the built-in templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.templates import Template


@hookimpl
def loopengt_register_templates(register: Register[Template]) -> None:
    """Register ``starter``."""
    register(
        "starter",
        "loopengt_templates.folders:STARTER",
        summary="One agent that works in laps until every check passes",
    )
