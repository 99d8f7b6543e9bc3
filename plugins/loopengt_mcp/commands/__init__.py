"""The commands of ``loopengt mcp``."""
