"""The MCP server: it lets a person's own tool design, start, watch, answer and resume loops."""
