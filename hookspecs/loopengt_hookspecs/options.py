"""Extension point: the options of a plugin, read from ``[plugins.NAME]`` in config.toml."""

from __future__ import annotations

from typing import Protocol

from loopengt_hookspecs._markers import hookspec


class RegisterOptions(Protocol):
    """The callable that ``loopengt_register_options`` receives."""

    def __call__(self, target: object | str) -> None:
        """Register the pydantic model of this plugin's options, as a class or ``"module:Class"``."""


@hookspec
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the pydantic model that describes this plugin's options.

    Called once when the plugin is loaded. The table ``[plugins.NAME]`` of config.toml, overridden by
    ``LOOPENGT_PLUGINS__NAME__OPTION`` and by ``-o NAME.option=value``, is validated with the model when one of the
    plugin's components is first made; the result is ``context.options`` there. Make the model
    ``extra="forbid"``: an unknown key is then an error that names the nearest known one.

    Args:
        register: Called at most once, with the model or a reference to it.

    Raises:
        ConfigError: At first use, when the configured values do not fit the model.

    Since: 0.2
    """
