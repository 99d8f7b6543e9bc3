"""Provides the agent provider ``scripted``."""
