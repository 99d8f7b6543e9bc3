"""The built-in commands around a project: ``validate``, ``schema`` and ``doctor``."""
