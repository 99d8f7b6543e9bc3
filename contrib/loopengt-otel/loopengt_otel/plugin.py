"""Registers nothing yet."""

from __future__ import annotations
