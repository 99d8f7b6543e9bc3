"""Summarizers: what brings texts under a number of tokens, and how tokens are counted."""

from __future__ import annotations
