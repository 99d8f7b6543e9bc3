"""Provides the agent provider ``auto``."""
