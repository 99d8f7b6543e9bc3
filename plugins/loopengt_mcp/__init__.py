"""Provides the client for MCP servers, with its tool type and commands."""
