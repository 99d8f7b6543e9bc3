"""Registers what records the calls of agents, and replays them."""

from __future__ import annotations
