"""Provides the commands ``init``, ``design`` and ``graph``."""
