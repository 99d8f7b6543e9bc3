"""Provides what records the calls of agents, and replays them."""
