"""Cursor CLI: ``cursor-agent -p``, which tells of failures on standard error alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_coding_clis.clis.claude_code import read_message
from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, mapping, text

if TYPE_CHECKING:
    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT"]

# Nothing for edit: with --force commands run unasked, too, and without it files stay as they are.
_PERMISSIONS: dict[Permission, tuple[str, ...]] = {"read": ("--mode=ask",), "full": ("--force",)}


def _arguments(turn: Turn) -> list[str]:
    argv = ["-p", "--output-format", "stream-json", *_PERMISSIONS[turn.permissions], *turn.args]
    if turn.trust_workspace:
        argv.append("--trust")
    if turn.model:
        argv.append(f"--model={turn.model}")
    if turn.session_id:
        argv.append(f"--resume={turn.session_id}")
    return [*argv, "--", turn.prompt]


def _read(event: Event, report: Report) -> None:
    report.session_id = text(event.get("session_id")) or report.session_id
    kind = event.get("type")
    if kind == "system":
        report.model = text(event.get("model")) or report.model
    elif kind == "assistant":
        read_message(event, report)
    elif kind == "tool_call":
        _tool(event, report)
    elif kind == "result":
        report.ends()
        report.result = text(event.get("result"))
        report.uses(_tokens(mapping(event.get("usage"))))
        if event.get("is_error") is True or event.get("subtype") not in (None, "success"):
            report.fails(report.result or text(event.get("subtype")) or "is_error")


def _tool(event: Event, report: Report) -> None:
    call_id = text(event.get("call_id"))
    for name, call in mapping(event.get("tool_call")).items():
        if not isinstance(call, dict):
            continue
        tool = name.removesuffix("ToolCall") or name
        if event.get("subtype") == "started":
            report.calls_tool(tool, call.get("args"), call_id)
        elif event.get("subtype") == "completed":
            output: Any = call.get("result")
            refused = mapping(output).keys() & {"error", "failure", "rejected"}
            report.tool_returned(call_id, output, failed=bool(refused), name=tool)


def _tokens(usage: Event) -> dict[str, int]:
    cached = count(usage.get("cacheReadTokens"))
    fresh = count(usage.get("inputTokens")) + count(usage.get("cacheWriteTokens"))
    return {
        "prompt_tokens": fresh + cached,
        "completion_tokens": count(usage.get("outputTokens")),
        "cached_tokens": cached,
    }


DIALECT = Dialect(
    name="cursor",
    programs=("cursor-agent", "agent"),
    keys=("CURSOR_API_KEY", "CURSOR_CONFIG_DIR"),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    prompt="argument",
)
