"""What the exporter and the observer make in the same way: settings, and texts that may be told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from loopengt_otel.options import OtelOptions
from loopengt_otel.settings import Settings, read_settings
from loopengt_otel.telling.texts import Texts

if TYPE_CHECKING:
    from loopengt import PluginContext

__all__ = ["settings_of", "texts_of"]


def settings_of(context: PluginContext) -> Settings:
    """Return what the plugin's options and the environment say.

    Raises:
        ConfigError: They make no sense.
    """
    options = context.options if isinstance(context.options, OtelOptions) else OtelOptions()
    return read_settings(options, os.environ)


def texts_of(settings: Settings) -> Texts:
    """Return what makes texts fit to be sent."""
    return Texts(content=settings.content, limit=settings.content_limit)
