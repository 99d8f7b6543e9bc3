"""Extension point: templates, folders from which new loops are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.registration import Register


class Template(Protocol):
    """A loop to start from."""

    def files(self) -> Mapping[str, str]:
        """Return the template's files: relative path with ``/`` to text. One of them is ``loop.yaml``."""


@hookspec
def loopengt_register_templates(register: Register[Template]) -> None:
    """Register templates.

    Called once when the plugin is loaded. ``loopengt init`` uses the one named ``starter``.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Template``.

    Raises:
        PluginError: Another plugin registers a template of the same name.

    Since: 0.2
    """
