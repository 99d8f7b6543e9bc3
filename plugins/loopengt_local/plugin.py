"""Registers the local engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.engines import Engine
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_engines(register: Register[Engine]) -> None:
    """Register the engine ``local``."""
    register("local", "loopengt_local.engine:LocalEngine", summary="Drives runs in this process")


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[plugins.local]``."""
    register("loopengt_local.options:LocalOptions")
