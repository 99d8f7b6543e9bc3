"""The command ``loopengt memory``, a module for each of its subcommands."""

from __future__ import annotations
