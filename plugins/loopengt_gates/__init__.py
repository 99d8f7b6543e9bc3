"""The gate kinds ``expression``, ``command`` and ``schema``."""
