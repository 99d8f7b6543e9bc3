"""Registers the memory in SQLite, the summarizers and an embedder."""

from __future__ import annotations
