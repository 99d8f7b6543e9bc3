"""The built-in commands around a project: ``init``, ``validate``, ``schema`` and ``doctor``."""
