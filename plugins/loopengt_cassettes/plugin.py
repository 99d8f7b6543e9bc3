"""Registers the middleware ``record`` and ``replay``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_middleware(register: Register[Middleware]) -> None:
    """Register ``record`` and ``replay``."""
    register(
        "record",
        "loopengt_cassettes.middleware:RecordMiddleware",
        summary="Keeps every agent call of a run in a folder, with what it changed in the workspace",
    )
    register(
        "replay",
        "loopengt_cassettes.middleware:ReplayMiddleware",
        summary="Answers every agent call from a folder of recorded ones; no agent is called",
    )


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[plugins.cassettes]``."""
    register("loopengt_cassettes.options:CassetteOptions")
