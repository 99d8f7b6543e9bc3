"""Merges one entry into a file that belongs to somebody else, and leaves every other byte alone."""
