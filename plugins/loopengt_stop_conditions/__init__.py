"""The built-in stop conditions."""
