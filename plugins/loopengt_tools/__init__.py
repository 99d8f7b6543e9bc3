"""Provides the built-in tools, and the tool types ``builtin`` and ``function``."""
