"""The tools that loopengt installs into."""

from __future__ import annotations

from loopengt_adapters.tools.adapter import ToolAdapter
from loopengt_adapters.tools.description import Hook, Server, Texts, Tool

__all__ = ["ANTIGRAVITY", "CLAUDE_CODE", "CODEX", "CURSOR", "GEMINI_CLI", "TOOLS", "VSCODE"]

_WORKSPACE = ("-C", "${workspaceFolder}")
"""For editors that start servers elsewhere than in the project, and fill this in."""

_COMMAND = {"type": "command", "command": "COMMAND", "timeout": 30}
_GROUP = {"hooks": [_COMMAND]}

CLAUDE_CODE = ToolAdapter(
    Tool(
        name="claude-code",
        title="Claude Code",
        programs=("claude",),
        server=Server(
            files={"project": (".mcp.json",), "user": ("$CLAUDE_JSON/.claude.json",)},
            path=("mcpServers", "loopengt"),
            fields={"type": "stdio"},
        ),
        texts=Texts(
            {
                "project": ("skill", ".claude/skills/NAME/SKILL.md"),
                "user": ("skill", "$CLAUDE/skills/NAME/SKILL.md"),
            }
        ),
        hook=Hook(
            # Not .claude/settings.json, which is shared: the hook is a matter of this machine's loopengt.
            files={"project": ".claude/settings.local.json", "user": "$CLAUDE/settings.json"},
            path=("hooks", "Stop"),
            entry=_GROUP,
            own_file=True,
        ),
        gate="stop-gate-claude",
        notes={"project": "Claude Code asks once whether to trust the servers of .mcp.json."},
    )
)

CURSOR = ToolAdapter(
    Tool(
        name="cursor",
        title="Cursor",
        programs=("cursor", "cursor-agent"),
        server=Server(
            files={"project": (".cursor/mcp.json",), "user": ("~/.cursor/mcp.json",)},
            path=("mcpServers", "loopengt"),
            arguments={"project": _WORKSPACE},
        ),
        texts=Texts(
            {
                "project": ("command", ".cursor/commands/NAME.md"),
                "user": ("command", "~/.cursor/commands/NAME.md"),
            }
        ),
        hook=Hook(
            files={"project": ".cursor/hooks.json", "user": "~/.cursor/hooks.json"},
            path=("hooks", "stop"),
            # Cursor ends a chain of follow-ups after five of a conversation; how many there are, bind-session says.
            entry={"command": "COMMAND", "timeout": 30, "loop_limit": 100},
            root={"version": 1},
        ),
        notes={"project": "Switch the server on in Cursor: Settings, MCP."},
    )
)

CODEX = ToolAdapter(
    Tool(
        name="codex",
        title="Codex",
        programs=("codex",),
        server=Server(
            files={"project": (".codex/config.toml",), "user": ("$CODEX/config.toml",)},
            path=("mcp_servers", "loopengt"),
            format="toml",
            fields={"tool_timeout_sec": 120},
        ),
        texts=Texts(
            {
                "project": ("skill", ".agents/skills/NAME/SKILL.md"),
                "user": ("skill", "~/.agents/skills/NAME/SKILL.md"),
            }
        ),
        hook=Hook(
            files={"project": ".codex/hooks.json", "user": "$CODEX/hooks.json"},
            path=("hooks", "Stop"),
            entry=_GROUP,
        ),
        notes={
            "project": "Codex reads .codex/ only in projects that it trusts, and calls the hook once you trust it:"
            " /hooks.",
            "user": "Codex calls the hook once you trust it: /hooks.",
        },
    )
)

ANTIGRAVITY = ToolAdapter(
    Tool(
        name="antigravity",
        title="Antigravity",
        programs=("agy", "antigravity"),
        server=Server(
            files={
                "project": (".agents/mcp_config.json",),
                "user": ("~/.gemini/config/mcp_config.json", "~/.gemini/antigravity/mcp_config.json"),
            },
            path=("mcpServers", "loopengt"),
        ),
        texts=Texts(
            {
                "project": ("workflow", ".agents/workflows/NAME.md"),
                "user": ("skill", "~/.gemini/config/skills/NAME/SKILL.md"),
            }
        ),
        hook=Hook(
            files={"project": ".agents/hooks.json", "user": "~/.gemini/config/hooks.json"},
            path=("loopengt",),
            entry={"Stop": [_COMMAND]},
            is_element=False,
        ),
    )
)

VSCODE = ToolAdapter(
    Tool(
        name="vscode",
        title="VS Code",
        programs=("code",),
        server=Server(
            files={"project": (".vscode/mcp.json",), "user": ("$VSCODE/mcp.json",)},
            path=("servers", "loopengt"),
            fields={"type": "stdio"},
            arguments={"project": _WORKSPACE},
        ),
        texts=Texts(
            {
                "project": ("prompt", ".github/prompts/NAME.prompt.md"),
                "user": ("prompt", "$VSCODE/prompts/NAME.prompt.md"),
            }
        ),
        hook=Hook(
            files={"project": ".github/hooks/loopengt.json", "user": "~/.copilot/hooks/loopengt.json"},
            path=("hooks", "Stop"),
            entry=_COMMAND,
            root={"version": 1},
        ),
        notes={
            "project": "VS Code asks once whether to trust the server. Its hooks are a preview, which your organization"
            " may have switched off."
        },
    )
)

GEMINI_CLI = ToolAdapter(
    Tool(
        name="gemini-cli",
        title="Gemini CLI",
        programs=("gemini",),
        server=Server(
            files={"project": (".gemini/settings.json",), "user": ("~/.gemini/settings.json",)},
            path=("mcpServers", "loopengt"),
        ),
        texts=Texts(
            {
                "project": ("gemini", ".gemini/commands/NAME.toml"),
                "user": ("gemini", "~/.gemini/commands/NAME.toml"),
            }
        ),
        hook=Hook(
            files={"project": ".gemini/settings.json", "user": "~/.gemini/settings.json"},
            path=("hooks", "AfterAgent"),
            # Here the timeout is in milliseconds.
            entry={
                "hooks": [{"name": "loopengt", "type": "command", "command": "COMMAND", "timeout": 30_000}]
            },
        ),
        notes={"project": "Gemini CLI warns once of a project's new hook; see /hooks panel."},
    )
)

TOOLS = (ANTIGRAVITY, CLAUDE_CODE, CODEX, CURSOR, GEMINI_CLI, VSCODE)
