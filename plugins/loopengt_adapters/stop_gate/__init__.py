"""A run as a Stop gate of one Claude Code session."""
