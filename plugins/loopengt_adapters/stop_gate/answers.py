"""Says a verdict in the form that each tool understands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt_adapters.stop_gate.verdict import Verdict

__all__ = ["TOOLS", "answer"]

TOOLS = ("antigravity", "claude-code", "codex", "cursor", "gemini-cli", "vscode")
"""Tools whose hooks can send the agent on."""

_SHOW_NOTES = ("claude-code", "codex", "gemini-cli", "vscode")


def answer(tool: str, verdict: Verdict) -> str:
    """Return what is written to stdout: a JSON object, or nothing where the tool takes that as consent.

    Args:
        tool: One of ``TOOLS``; any other is answered as Claude Code is.
        verdict: What was decided.
    """
    if verdict.block:
        return json.dumps(_sent_on(tool, verdict.message))
    if verdict.message and (tool in _SHOW_NOTES or tool not in TOOLS):
        return json.dumps({"systemMessage": verdict.message})
    # Gemini CLI would take stderr for the answer; Cursor and Antigravity expect an object.
    return "{}" if tool in ("antigravity", "cursor", "gemini-cli") else ""


def _sent_on(tool: str, message: str) -> dict[str, Any]:
    if tool == "cursor":
        return {"followup_message": message}
    if tool == "gemini-cli":
        return {"decision": "deny", "reason": message}
    if tool == "antigravity":
        return {"decision": "continue", "reason": message}
    block = {"decision": "block", "reason": message}
    if tool == "vscode":  # which shares the file with Copilot CLI, and that reads the top level
        return {**block, "hookSpecificOutput": {"hookEventName": "Stop", **block}}
    return block
