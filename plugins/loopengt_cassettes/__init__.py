"""The built-in middleware ``record`` and ``replay``: agent calls kept in a folder, and given back from it."""
