"""Provides the commands ``design`` and ``graph``."""
