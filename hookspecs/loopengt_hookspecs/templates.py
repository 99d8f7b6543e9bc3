"""Extension point: templates, folders from which new loops are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.registration import Register


class Template(Protocol):
    """A loop to start from.

    ``loop.yaml`` is required. ``template.yaml`` says what the template is for and which values it takes::

        description: One line for listings
        variables:
          goal:
            description: What is to be reached        # shown with the template
            prompt: What is to be reached?            # asked on a terminal; default: the description
          max_laps:
            description: Most laps of work
            type: integer                             # text (default), integer or number
            default: 8                                # without a default a value is required
          level:
            description: How strict the check is
            choices: [low, high]
            default: low

    ``<<goal>>`` as a whole value in a YAML file of the template, as in ``goal: <<goal>>``, stands for the value of
    the variable, whatever characters that has. In ``.md`` and ``.txt`` files it may stand anywhere; other files are
    taken as they are. ``README.md`` describes the template and, like ``template.yaml``, is no part of the loop.

    ``loopengt.templates`` finds templates of all sources and fills them.
    """

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
