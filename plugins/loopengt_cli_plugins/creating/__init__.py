"""Writes the package of a new plugin, which works and can be published as it is."""
