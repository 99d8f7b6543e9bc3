"""Provides the agent provider ``human``."""
