"""Registers the client for MCP servers, with its tool type and commands."""

from __future__ import annotations
