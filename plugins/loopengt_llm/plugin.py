"""Registers the agent providers for large language models, and the adapter that reaches them."""

from __future__ import annotations
