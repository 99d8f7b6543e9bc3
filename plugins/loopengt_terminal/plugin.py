"""Registers the observers terminal and terminal-verbose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Observer


@hookimpl
def loopengt_register_observers(register: Register[Observer]) -> None:
    """Register terminal and terminal-verbose."""
    register("terminal", "loopengt_terminal.observer:TerminalObserver", summary="Shows progress on stderr")
    register(
        "terminal-verbose",
        "loopengt_terminal.observer:VerboseTerminalObserver",
        summary="Shows progress with prompts and outputs on stderr",
    )
