"""OpenCode: ``opencode run --format json``, which tells tokens and cost step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, items, mapping, money, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT"]

_PERMISSIONS: dict[Permission, tuple[str, ...]] = {"read": (), "edit": (), "full": ("--auto",)}
_READING = ("read", "glob", "grep", "list", "lsp")
_CHANGING = ("edit", "bash", "task", "webfetch", "websearch", "external_directory", "skill")
# Every rule is spelled out: of rules that are merged with those of a project, the later ones win.
_RULES = {
    "read": {"*": "deny"} | dict.fromkeys(_READING, "allow") | dict.fromkeys(_CHANGING, "deny"),
    "edit": {"edit": "allow", "bash": "deny", "external_directory": "deny"},
}


def _arguments(turn: Turn) -> list[str]:
    argv = ["run", "--format", "json", *_PERMISSIONS[turn.permissions], *turn.args]
    if turn.model:
        argv.append(f"--model={turn.model}")
    if turn.session_id:
        argv.append(f"--session={turn.session_id}")
    return argv


def _environment(turn: Turn) -> Mapping[str, str]:
    """What it may do is said by a variable; only for everything there is a flag."""
    rules = _RULES.get(turn.permissions)
    return {} if rules is None else {"OPENCODE_PERMISSION": msgspec.json.encode(rules).decode()}


def _read(event: Event, report: Report) -> None:
    report.session_id = text(event.get("sessionID")) or report.session_id
    part = mapping(event.get("part"))
    kind = event.get("type")
    if kind == "step_start":
        report.goes_on()
        report.pieces.clear()
    elif kind == "text":
        report.pieces.append(text(part.get("text")))
        report.says(text(part.get("text")))
    elif kind == "tool_use":
        _tool(part, report)
    elif kind == "step_finish":
        _step_finish(part, report)
    elif kind == "error":
        _error(mapping(event.get("error")), report)
    elif kind == "done":
        if rejected := items(event.get("rejected")):
            report.facts["permission_denials"] = [text(entry) for entry in rejected][:100]
        report.result = "\n".join(report.pieces)
        report.ends()


def _tool(part: Event, report: Report) -> None:
    state = mapping(part.get("state"))
    call_id = text(part.get("callID"))
    report.calls_tool(text(part.get("tool")), state.get("input"), call_id)
    failed = state.get("status") == "error"
    report.tool_returned(call_id, state.get("error" if failed else "output"), failed=failed)


def _step_finish(part: Event, report: Report) -> None:
    tokens = mapping(part.get("tokens"))
    cache = mapping(tokens.get("cache"))
    read, reasoning = count(cache.get("read")), count(tokens.get("reasoning"))
    report.uses_more(
        {
            "prompt_tokens": count(tokens.get("input")) + read + count(cache.get("write")),
            "completion_tokens": count(tokens.get("output")) + reasoning,
            "cached_tokens": read,
            "reasoning_tokens": reasoning,
        }
    )
    cost = money(part.get("cost"))
    if cost is not None:
        report.cost_usd = (report.cost_usd or 0.0) + cost
    if part.get("reason") != "tool-calls":
        # Versions without a closing event tell the end only so; others may begin a further step.
        report.result = "\n".join(report.pieces)
        report.ends(closed=False)


def _error(error: Event, report: Report) -> None:
    data = mapping(error.get("data"))
    message = text(data.get("message")) or text(error.get("message")) or text(error.get("name")) or "error"
    report.fails(message, count(data.get("statusCode")))
    wait = text(mapping(data.get("responseHeaders")).get("retry-after"))
    if wait.isdecimal():
        report.resets_in = float(wait[:7])


DIALECT = Dialect(
    name="opencode",
    programs=("opencode",),
    keys=("OPENCODE_API_KEY", "OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR"),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    reports_cost=True,
    environment=_environment,
)
