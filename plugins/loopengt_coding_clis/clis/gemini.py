"""Gemini CLI: ``gemini -o stream-json``, whose answer is the sum of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, mapping, text

if TYPE_CHECKING:
    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT"]

_PERMISSIONS: dict[Permission, tuple[str, ...]] = {
    "read": ("--approval-mode=plan",),
    "edit": ("--approval-mode=auto_edit",),
    "full": ("--approval-mode=yolo",),
}


def _arguments(turn: Turn) -> list[str]:
    # Without -p: a prompt that comes on standard input makes it work unattended just as well.
    argv = ["--output-format=stream-json", *_PERMISSIONS[turn.permissions], *turn.args]
    if turn.trust_workspace:
        argv.append("--skip-trust")
    if turn.model:
        argv.append(f"--model={turn.model}")
    argv += [f"--include-directories={folder}" for folder in turn.add_dirs]
    if turn.session_id:
        argv.append(f"--resume={turn.session_id}")
    return argv


def _read(event: Event, report: Report) -> None:
    kind = event.get("type")
    if kind == "init":
        report.session_id = text(event.get("session_id")) or report.session_id
        report.model = text(event.get("model")) or report.model
    elif kind == "message" and event.get("role") == "assistant":
        report.pieces.append(text(event.get("content")))
        report.says(text(event.get("content")))
    elif kind == "tool_use":
        # What was written before a tool was used is no part of the answer.
        report.pieces.clear()
        report.calls_tool(text(event.get("tool_name")), event.get("parameters"), text(event.get("tool_id")))
    elif kind == "tool_result":
        failed = event.get("status") == "error"
        output = event.get("error") if failed else event.get("output")
        report.tool_returned(text(event.get("tool_id")), output, failed=failed)
    elif kind == "error":
        report.facts["last_error"] = text(event.get("message"))[:2_000]
    elif kind == "result":
        report.result = "".join(report.pieces)
        report.uses(_tokens(mapping(event.get("stats"))))
        report.ends()
        if event.get("status") == "error":
            error = mapping(event.get("error"))
            report.fails(
                text(error.get("message")) or text(error.get("type")) or "status error",
                count(error.get("code")),
            )


def _tokens(stats: Event) -> dict[str, int]:
    """Tokens; those of thoughts are told only as what the total has beside input and output."""
    prompt, out, total = (
        count(stats.get(name)) for name in ("input_tokens", "output_tokens", "total_tokens")
    )
    thoughts = max(0, total - prompt - out)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": out + thoughts,
        "cached_tokens": count(stats.get("cached")),
        "reasoning_tokens": thoughts,
    }


DIALECT = Dialect(
    name="gemini",
    programs=("gemini",),
    keys=(
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_LOCATION",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_GENAI_USE_VERTEXAI",
    ),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    exit_codes={42: "InvalidInput", 53: "MaxTurns"},
)
