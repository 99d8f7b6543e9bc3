"""Registers the agent providers for coding CLIs."""

from __future__ import annotations
