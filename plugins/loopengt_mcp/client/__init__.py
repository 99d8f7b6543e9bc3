"""The client for MCP servers: connections, and the tools that come through them."""
