"""Registers the commands ``design`` and ``graph``."""

from __future__ import annotations
