"""Configs as people have them: comments, other servers, byte order marks, CRLF, tabs, trailing commas."""

from __future__ import annotations

BOM = b"\xef\xbb\xbf"

CLAUDE_PROJECT = b"""{
  "mcpServers": {
    "github": {
      "type": "http",
      "url": "https://api.githubcopilot.com/mcp/",
      "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"}
    },
    "postgres": {"command": "npx", "args": ["-y", "@bytebase/dbhub"], "env": {"DSN": "${DSN:-postgres://localhost}"}}
  }
}
"""

CLAUDE_USER = (
    b'{"numStartups":412,"theme":"dark","projects":{"/src/a":{"allowedTools":[],"history":["fix \\u00fc"]}},'
    b'"oauthAccount":{"accountUuid":"00000000"},"mcpServers":{"sentry":{"type":"http","url":"https://mcp.sentry.dev"}}}'
)

CLAUDE_SETTINGS = b"""{
\t"permissions": {
\t\t"allow": ["Bash(pytest:*)"],
\t\t"deny": []
\t},
\t"hooks": {
\t\t"PostToolUse": [
\t\t\t{"matcher": "Edit|Write", "hooks": [{"type": "command", "command": "ruff format"}]}
\t\t],
\t\t"Stop": [
\t\t\t{
\t\t\t\t"hooks": [{"type": "command", "command": "afplay done.aiff"}]
\t\t\t}
\t\t]
\t}
}
"""

CURSOR = b"""{
\t// shared by the team
\t"mcpServers": {
\t\t/* browser tests */
\t\t"playwright": {
\t\t\t"command": "npx",
\t\t\t"args": ["@playwright/mcp@latest"], // newest
\t\t},
\t},
}
"""

CODEX = b"""# Codex
model = "gpt-5.1-codex"
approval_policy = 'on-request'   # ask me

[mcp_servers.context7]
command = "npx"
args = [
    "-y",  # no question
    "@upstash/context7-mcp",
]

[mcp_servers.context7.env]
"API_KEY" = "x"

[projects."/src/a"]
trust_level = "trusted"
"""

CODEX_INLINE = b"""mcp_servers = { docs = { url = "https://developers.openai.com/mcp" } } # all of them

[tui]
notifications = true
"""

ANTIGRAVITY = (
    BOM
    + b"""{
  "mcpServers": {
    "firebase": {
      "serverUrl": "https://example.com/mcp"
    }
  }
}"""
)

VSCODE = b"""{
    // MCP servers of this workspace
    "inputs": [
        {"type": "promptString", "id": "key", "description": "API key", "password": true}
    ],
    "servers": {
        "memory": {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-memory"],
            "env": {"KEY": "${input:key}"},
        }, // kept here
    },
}
""".replace(b"\n", b"\r\n")

GEMINI = b"""{
  "security": {"auth": {"selectedType": "oauth-personal"}},
  "ui": { "theme": "GitHub" },
  "mcpServers": {}
}
"""

CODEX_HOOKS = b"""{
  "description": "checks of this repository",
  "hooks": {
    "SessionStart": [
      {"matcher": "startup|resume", "hooks": [{"type": "command", "command": "python3 .codex/hooks/notes.py"}]}
    ],
    "Stop": [
      {
        "hooks": [
          {"type": "command", "command": "\\"$(git rev-parse --show-toplevel)\\"/lint.sh", "timeout": 600}
        ]
      }
    ]
  }
}
"""

CURSOR_HOOKS = (
    BOM
    + b"""{
\t"version": 1,
\t// run by everybody
\t"hooks": {
\t\t"afterFileEdit": [{ "command": "./hooks/format.sh" }],
\t\t"stop": [
\t\t\t{ "command": ".cursor/hooks/audit.sh" }, // first
\t\t],
\t\t"beforeShellExecution": [
\t\t\t{ "command": ".cursor/hooks/block-git.sh", "failClosed": true }
\t\t]
\t},
}
""".replace(b"\n", b"\r\n")
)

GEMINI_HOOKS = b"""{
    // mine
    "hooksConfig": {"enabled": true},
    "hooks": {
        "BeforeTool": [
            {
                "matcher": "write_file|replace",
                "hooks": [
                    {"name": "secrets", "type": "command", "command": "$GEMINI_PROJECT_DIR/scan.sh", "timeout": 5000}
                ]
            }
        ],
        "AfterAgent": []
    },
    "mcpServers": {"docs": {"httpUrl": "https://example.com/mcp"}}
}"""

VSCODE_HOOKS = b"""{
\t"hooks": {
\t\t"PostToolUse": [
\t\t\t{ "type": "command", "command": "npx prettier --write .", "windows": "npx.cmd prettier --write ." }
\t\t]
\t}
}"""

ANTIGRAVITY_HOOKS = b"""{
  "linter": {
    "PostToolUse": [
      {"matcher": "run_command", "hooks": [{"type": "command", "command": "./scripts/lint.sh", "timeout": 10}]}
    ]
  },
  "safety-gate": {"enabled": false, "PreToolUse": [{"matcher": "run_command", "hooks": [{"command": "./check.sh"}]}]}
}
"""
