"""GitHub Copilot CLI: ``copilot --prompt=…``, which tells neither tokens nor dollars, and has two forms of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_coding_clis.clis.claude_code import read_message
from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, items, mapping, text

if TYPE_CHECKING:
    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT"]

_PERMISSIONS: dict[Permission, tuple[str, ...]] = {
    "read": ("--deny-tool=write", "--deny-tool=shell"),
    "edit": ("--allow-tool=write", "--deny-tool=shell"),
    "full": ("--allow-all-tools",),
}


def _arguments(turn: Turn) -> list[str]:
    argv = ["-s", "--output-format=json", "--no-ask-user", *_PERMISSIONS[turn.permissions], *turn.args]
    if turn.model:
        argv.append(f"--model={turn.model}")
    argv += [f"--add-dir={folder}" for folder in turn.add_dirs]
    if turn.session_id:
        argv.append(f"--resume={turn.session_id}")
    return [*argv, f"--prompt={turn.prompt}"]


def _read(event: Event, report: Report) -> None:
    kind, data = event.get("type"), mapping(event.get("data"))
    for place in (data, event):
        session = text(place.get("sessionId")) or text(place.get("session_id"))
        report.session_id = session or report.session_id
        report.model = text(place.get("model")) or report.model
    if kind == "result":
        _result(data or event, report)
    elif kind == "assistant.message":
        if text(data.get("content")).strip() and not data.get("parentToolCallId"):
            report.pieces.append(text(data.get("content")))
            report.says(text(data.get("content")))
    elif kind == "tool.execution_start":
        report.calls_tool(text(data.get("toolName")), data.get("arguments"), text(data.get("toolCallId")))
    elif kind == "tool.execution_complete":
        failed = data.get("success") is False
        output = data.get("error" if failed else "result")
        report.tool_returned(text(data.get("toolCallId")), output, failed=failed)
    elif kind in ("session.error", "error"):
        error = data or mapping(event.get("error")) or event
        report.fails(text(error.get("message")) or str(kind), count(error.get("statusCode")))
    elif kind in ("assistant", "user") and "message" in event:
        _flat_message(event, report)


def _flat_message(event: Event, report: Report) -> None:
    """Take a message of the form that some models' events have."""
    content = items(mapping(event.get("message")).get("content"))
    written = [text(mapping(part).get("text")) for part in content if mapping(part).get("type") == "text"]
    if event.get("type") == "assistant" and any(written):
        report.pieces.append("".join(written))
    read_message(event, report)


def _result(result: Event, report: Report) -> None:
    report.ends()
    report.result = text(result.get("result")) or (report.pieces[-1] if report.pieces else "")
    if usage := mapping(result.get("usage")):
        report.facts["usage"] = dict(usage)
    code = count(result.get("exitCode"))
    if result.get("is_error") is True or code:
        report.fails(text(result.get("error")) or report.result or f"exit code {code}")


DIALECT = Dialect(
    name="copilot",
    programs=("copilot",),
    # It keeps its login in the desktop's keyring, which is reached by the last two.
    keys=(
        "COPILOT_GITHUB_TOKEN",
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "COPILOT_HOME",
        "DBUS_SESSION_BUS_ADDRESS",
        "XDG_RUNTIME_DIR",
    ),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    prompt="argument",
)
