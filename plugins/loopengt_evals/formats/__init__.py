"""Formats of other tools: cases are read from them and written to them, and what does not fit is said."""
