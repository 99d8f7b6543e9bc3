"""The built-in exporters: a run as JSON, JSON lines, a Markdown report or a tree of text."""
