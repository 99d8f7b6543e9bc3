"""Registers the agent provider ``scripted``."""

from __future__ import annotations
