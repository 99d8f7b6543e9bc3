"""The files that make a folder a project, as ``loopengt init`` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FOLDERS", "SCHEMA_FILE", "SCHEMA_LINE", "config_text"]

FOLDERS: Final = (".loopengt/prompts", ".loopengt/templates")
SCHEMA_FILE: Final = ".loopengt/loop.schema.json"
SCHEMA_LINE: Final = f"# yaml-language-server: $schema=./{SCHEMA_FILE}\n"
"""Tells an editor where the schema is; the first line of a spec beside ``.loopengt/``."""

_CONFIG: Final = """\
# Settings of loopengt in this project. Every setting that is commented out shows its default; remove the
# "#" before it, and the one before its [section], to change it.
# Stronger than this file: LOOPENGT_SECTION__KEY in the environment, and, stronger still, the option
# -o section.key=value on the command line.

# [defaults]
# What agents get whose spec names no provider or no model.
# provider = "openai"
# model = "gpt-4o"

{agents}

# [engine]
# What drives runs, and the middleware around every attempt, outermost first.
# name = "local"
# middleware = []

# [memory]
# Where agents' memories are kept.
# name = "sqlite"

# [observers]
# Who watches every run.
# names = []

# [storage]
# Where runs are kept: sqlite, jsonl (one file a run) or memory.
# name = "sqlite"

# [plugins]
# Plugins that are not loaded; "loopengt plugins list" shows all.
# disabled = []

# A plugin's own options stand in a table of its name; "loopengt plugins info NAME" describes them. Such as:
# [plugins.storage_sqlite]
# durability = "full"
"""

_ANY: Final = """\
# [agents]
# Whom the provider "auto" stands for: the first of these that this machine can use. Empty: coding CLIs that are
# installed, then services with a key, in an order of their own; "loopengt doctor" says who it is.
# auto = []"""

_ORDER: Final = """\
[agents]
# Whom the provider "auto" stands for: the first of these that this machine can use. All were found when this file
# was written; "loopengt doctor" says who it is.
auto = {order}"""


def config_text(order: Sequence[str]) -> str:
    """Return the text of a new config.toml.

    Args:
        order: The providers that ``auto`` chooses from; empty: the setting stays at its default.
    """
    return _CONFIG.replace("{agents}", _ORDER.replace("{order}", json.dumps(list(order))) if order else _ANY)
