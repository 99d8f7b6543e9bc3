"""Registers the agent provider ``auto``."""

from __future__ import annotations
