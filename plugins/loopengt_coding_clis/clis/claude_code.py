"""Claude Code: ``claude -p``, whose stream ends with a result that has cost, session and, with a schema, data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, items, mapping, money, text

if TYPE_CHECKING:
    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT", "read_message"]

_PERMISSIONS: dict[Permission, tuple[str, ...]] = {
    "read": ("--permission-mode=plan",),
    "edit": ("--permission-mode=acceptEdits",),
    "full": ("--permission-mode=bypassPermissions",),
}
_EDITING = ("Edit", "MultiEdit", "NotebookEdit", "Write")
_OVERLOADED = (429, 529)


def _arguments(turn: Turn) -> list[str]:
    # The values stand in the same token as their flag: several flags take lists, and would take what follows, too.
    argv = ["-p", "--output-format", "stream-json", "--verbose", *_PERMISSIONS[turn.permissions], *turn.args]
    forbidden = (*turn.disallowed_tools, *(_EDITING if turn.permissions == "read" else ()))
    if turn.model:
        argv.append(f"--model={turn.model}")
    if turn.allowed_tools:
        argv.append(f"--allowedTools={','.join(turn.allowed_tools)}")
    if forbidden:
        argv.append(f"--disallowedTools={','.join(dict.fromkeys(forbidden))}")
    if turn.max_turns is not None:
        argv.append(f"--max-turns={turn.max_turns}")
    if turn.max_budget_usd is not None:
        argv.append(f"--max-budget-usd={max(turn.max_budget_usd, 0.0001):.4f}")
    argv += [f"--add-dir={folder}" for folder in turn.add_dirs]
    if turn.system_prompt:
        argv.append(f"--append-system-prompt={turn.system_prompt}")
    if turn.schema is not None:
        argv.append(f"--json-schema={msgspec.json.encode(turn.schema).decode()}")
    if turn.session_id:
        argv.append(f"--resume={turn.session_id}")
    return argv


def _read(event: Event, report: Report) -> None:
    report.session_id = text(event.get("session_id")) or report.session_id
    kind = event.get("type")
    if kind == "result":
        _result(event, report)
    elif kind == "rate_limit_event":
        _rate_limit(mapping(event.get("rate_limit_info")), report)
    elif kind == "system":
        report.model = text(event.get("model")) or report.model
    elif kind in ("assistant", "user"):
        report.goes_on()
        read_message(event, report)


def read_message(event: Event, report: Report) -> None:
    """Take a message in the form of Anthropic's interface: texts, calls of tools and their results."""
    content = mapping(event.get("message")).get("content")
    by_model = event.get("type") == "assistant"
    if isinstance(content, str) and by_model:
        report.says(content)
    for part in map(mapping, items(content)):
        kind = part.get("type")
        if kind == "text" and by_model:
            report.says(text(part.get("text")))
        elif kind == "tool_use":
            report.calls_tool(text(part.get("name")), part.get("input"), text(part.get("id")))
        elif kind == "tool_result":
            failed = part.get("is_error") is True
            report.tool_returned(text(part.get("tool_use_id")), part.get("content"), failed=failed)


def _result(event: Event, report: Report) -> None:
    report.ends()
    report.result = text(event.get("result"))
    if event.get("structured_output") is not None:
        report.structured = event["structured_output"]
    report.cost_usd = money(event.get("total_cost_usd"))
    report.uses(_tokens(event))
    for name in ("num_turns", "subtype", "terminal_reason"):
        if event.get(name) is not None:
            report.facts[name] = event[name]
    if denied := [text(mapping(entry).get("tool_name")) for entry in items(event.get("permission_denials"))]:
        report.facts["permission_denials"] = denied[:100]
    subtype = text(event.get("subtype"))
    status = count(event.get("api_error_status"))
    # A result of the subtype success may say is_error all the same.
    if event.get("is_error") is True or (subtype and subtype != "success"):
        reasons = [text(entry) for entry in items(event.get("errors"))]
        report.fails("; ".join(filter(None, reasons)) or report.result or subtype, status)
        report.limited = status in _OVERLOADED


def _rate_limit(info: Event, report: Report) -> None:
    # Rejected is no error yet: an account may go on at extra cost. The result says which.
    rejected = info.get("status") == "rejected"
    report.resets_at = money(info.get("resetsAt")) if rejected else None
    if info.get("rateLimitType") is not None:
        report.facts["rate_limit"] = {
            name: info[name]
            for name in ("status", "rateLimitType", "resetsAt", "utilization")
            if name in info
        }


def _tokens(event: Event) -> dict[str, int]:
    """The tokens of the whole turn: by model, where that is told, since it includes those of subagents."""
    models = [mapping(entry) for entry in mapping(event.get("modelUsage")).values()]
    if models:
        names = ("inputTokens", "cacheCreationInputTokens", "cacheReadInputTokens", "outputTokens")
    else:
        models = [mapping(event.get("usage"))]
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    fresh, created, cached, out = (sum(count(entry.get(name)) for entry in models) for name in names)
    return {"prompt_tokens": fresh + created + cached, "completion_tokens": out, "cached_tokens": cached}


DIALECT = Dialect(
    name="claude-code",
    programs=("claude",),
    keys=(
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CONFIG_DIR",
    ),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    takes_system_prompt=True,
    schema="inline",
    reports_cost=True,
)
