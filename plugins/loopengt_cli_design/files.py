"""The files that make a folder a project, as ``loopengt init`` writes them."""

from __future__ import annotations

from typing import Final

__all__ = ["CONFIG", "FOLDERS", "SCHEMA_FILE", "SCHEMA_LINE"]

FOLDERS: Final = (".loopengt/prompts", ".loopengt/templates")
SCHEMA_FILE: Final = ".loopengt/loop.schema.json"
SCHEMA_LINE: Final = f"# yaml-language-server: $schema=./{SCHEMA_FILE}\n"
"""Tells an editor where the schema is; the first line of a spec beside ``.loopengt/``."""

CONFIG: Final = """\
# Settings of loopengt in this project. Every setting below is commented out and shows its default; remove the
# "#" before it, and the one before its [section], to change it.
# Stronger than this file: LOOPENGT_SECTION__KEY in the environment, and, stronger still, the option
# -o section.key=value on the command line.

# [defaults]
# What agents get whose spec names no provider or no model.
# provider = "openai"
# model = "gpt-4o"

# [engine]
# What drives runs, and the middleware around every attempt, outermost first.
# name = "local"
# middleware = []

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
