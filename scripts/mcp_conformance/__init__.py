"""The peers that the MCP server is held against, and how they are installed, started and read."""
