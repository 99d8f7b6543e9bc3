"""Provides the agent providers for coding CLIs."""
