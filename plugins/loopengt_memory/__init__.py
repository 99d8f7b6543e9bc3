"""Provides the memory in SQLite, the summarizers and an embedder."""
