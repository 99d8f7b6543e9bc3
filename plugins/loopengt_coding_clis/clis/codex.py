"""Codex: ``codex exec --json``, whose tokens are counted over the whole thread and which tells no cost."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, items, mapping, text

if TYPE_CHECKING:
    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT"]

_PERMISSIONS: dict[Permission, tuple[str, ...]] = {
    "read": ("--sandbox", "read-only"),
    "edit": ("--sandbox", "workspace-write"),
    "full": ("--sandbox", "danger-full-access"),
}
_TOOLS = frozenset({"command_execution", "file_change", "mcp_tool_call", "web_search"})


def _arguments(turn: Turn) -> list[str]:
    plain, settings = _split(turn.args)
    argv = ["exec", "--json", *_PERMISSIONS[turn.permissions], "--skip-git-repo-check", *plain]
    if turn.model:
        argv.append(f"--model={turn.model}")
    for folder in turn.add_dirs:
        argv += ["--add-dir", folder]
    if turn.schema_file:
        argv += ["--output-schema", turn.schema_file]
    if turn.session_id:
        # A resumed session does not keep its sandbox, and resume has no flag for one: without the setting it would get
        # that of the folder's trust. Settings before resume and behind it are not added up, so all stand behind it.
        sandbox = _PERMISSIONS[turn.permissions][1]
        argv += ["resume", turn.session_id, "-c", f'sandbox_mode="{sandbox}"']
    return [*argv, *settings, "-"]


def _split(args: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Part further arguments into others and settings, ``-c key=value``."""
    plain: list[str] = []
    settings: list[str] = []
    words = iter(args)
    for word in words:
        if word in ("-c", "--config"):
            settings += [word, *islice(words, 1)]
        else:
            (settings if word.startswith(("-c", "--config=")) else plain).append(word)
    return plain, settings


def _read(event: Event, report: Report) -> None:
    kind = event.get("type")
    if kind == "thread.started":
        report.session_id = text(event.get("thread_id")) or report.session_id
    elif kind == "turn.completed":
        report.uses(_tokens(mapping(event.get("usage"))))
        report.result = report.pieces[-1] if report.pieces else ""
        report.ends()
    elif kind == "turn.failed":
        report.ends()
        report.fails(text(mapping(event.get("error")).get("message")) or "turn.failed")
    elif kind == "error":
        # Also said of a connection that is made anew; the turn's end tells whether it mattered.
        report.facts["last_error"] = text(event.get("message"))[:2_000]
    elif kind in ("item.started", "item.completed"):
        _item(mapping(event.get("item")), report, done=kind == "item.completed")


def _item(item: Event, report: Report, *, done: bool) -> None:
    kind, call_id = text(item.get("type")), text(item.get("id"))
    if kind == "agent_message" and done:
        report.pieces.append(text(item.get("text")))
        report.says(text(item.get("text")))
    elif kind in _TOOLS:
        name = kind if kind != "mcp_tool_call" else f"{text(item.get('server'))}.{text(item.get('tool'))}"
        if not done:
            report.calls_tool(name, _given(item), call_id)
        else:
            failed = item.get("status") in ("failed", "declined") or bool(item.get("error"))
            report.tool_returned(call_id, _output(item), failed=failed, name=name)


def _given(item: Event) -> object:
    if item.get("type") == "file_change":
        return items(item.get("changes"))
    return {name: item[name] for name in ("command", "arguments", "query") if name in item}


def _output(item: Event) -> object:
    if item.get("type") == "file_change":
        return items(item.get("changes"))
    names = ("exit_code", "aggregated_output", "result", "error", "status")
    return {name: item[name] for name in names if item.get(name) is not None}


def _tokens(usage: Event) -> dict[str, int]:
    return {
        "prompt_tokens": count(usage.get("input_tokens")),
        "completion_tokens": count(usage.get("output_tokens")),
        "cached_tokens": count(usage.get("cached_input_tokens")),
        "reasoning_tokens": count(usage.get("reasoning_output_tokens")),
    }


DIALECT = Dialect(
    name="codex",
    programs=("codex",),
    keys=("CODEX_API_KEY", "CODEX_HOME", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    schema="file",
    strict_schema=True,
    cumulative=True,
)
