"""Registers the agent provider ``human``."""

from __future__ import annotations
