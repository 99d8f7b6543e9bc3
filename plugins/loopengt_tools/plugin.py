"""Registers the built-in tools, and the tool types ``builtin`` and ``function``."""

from __future__ import annotations
