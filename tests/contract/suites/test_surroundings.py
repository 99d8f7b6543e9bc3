"""Every built-in IDE adapter, template, command, MCP feature and options model passes its suite."""

from __future__ import annotations

from typing import Any

from .builtin import names, suites

EXISTING: dict[str, dict[str, Any]] = {
    "claude-code": {
        "existing": {
            "project/.mcp.json": b'{\r\n  // mine\r\n  "mcpServers": {"other": {"command": "x"}},\r\n}\r\n',
            "project/.claude/settings.json": b'{"hooks": {"Stop": []}, "model": "big"}',
        }
    },
    "codex": {
        "existing": {
            "home/.codex/config.toml": b'# mine\nmodel = "big"\n\n[mcp_servers.other]\ncommand = "x"\n'
        }
    },
    "cursor": {"existing": {"home/.cursor/mcp.json": b'\xef\xbb\xbf{"mcpServers": {}}'}},
}

globals().update(
    suites("adapters", EXISTING, often=("claude-code", "codex", "terminal", "vscode"))
    | suites("templates", often=("fix_ci", "starter"))
    | suites(
        "commands",
        {"adapter": {"takes_anything": ["stop-gate"]}},
        often=("adapter", "init", "plugins", "run", "trace"),
    )
    | suites("mcp_features", {name: {"needs_server": True} for name in names("mcp_features")})
    | suites("options")
)


def test_nothing_is_left_out() -> None:
    """The kinds of this file have components at all, so that their suites are run on something."""
    for kind in ("adapters", "templates", "commands", "mcp_features", "options"):
        assert names(kind)
