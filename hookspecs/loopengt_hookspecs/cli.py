"""Extension point: commands of the ``loopengt`` program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookspec
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register commands.

    Called once when the plugin is loaded. Give the target as ``"module:attribute"``: a command's module is
    imported when the command is called, and ``loopengt --help`` imports none. The command finds the kernel
    as ``click.get_current_context().obj``, or with ``loopengt.cli.pass_kernel``.

    Args:
        register: ``register(name, target, summary=…)``; the name is what a person types, the summary is
            shown by ``--help``, the target is a ``click.Command``.

    Raises:
        PluginError: Another plugin registers a command of the same name.

    Since: 0.2
    """
