"""Looks plugins over: hooks, imports, names, requirements and texts."""
