"""Provides the agent providers for large language models, and the adapter that reaches them."""
