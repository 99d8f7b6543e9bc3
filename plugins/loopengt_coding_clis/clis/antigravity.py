"""Antigravity CLI: ``agy --print=…``, whose objects nest what they tell below the name of their event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loopengt_coding_clis.dialect import Dialect, Event, Permission, Turn
from loopengt_coding_clis.report import count, mapping, text

if TYPE_CHECKING:
    from loopengt_coding_clis.report import Report

__all__ = ["DIALECT"]

_PERMISSIONS: dict[Permission, tuple[str, ...]] = {
    "read": ("--mode=plan",),
    "edit": ("--mode=accept-edits",),
    "full": ("--dangerously-skip-permissions",),
}


def _arguments(turn: Turn) -> list[str]:
    # It gives up after five minutes by itself; how long a step may take is for the engine to say.
    argv = ["--output-format=stream-json", "--print-timeout=24h", *_PERMISSIONS[turn.permissions], *turn.args]
    if turn.model:
        argv.append(f"--model={turn.model}")
    # Without it, some versions work in a folder of their own.
    argv += [f"--add-dir={folder}" for folder in (str(turn.workspace), *turn.add_dirs)]
    if turn.schema is not None:
        argv.append(f"--json-schema={msgspec.json.encode(turn.schema).decode()}")
    if turn.session_id:
        argv.append(f"--conversation={turn.session_id}")
    # In one token, since -p takes whatever token comes next for the prompt.
    return [*argv, f"--print={turn.prompt}"]


def _read(event: Event, report: Report) -> None:
    kind = event.get("event")
    told = mapping(event.get(kind)) if isinstance(kind, str) else {}
    # The id stands beside what is nested in some events, and inside it in others.
    session = text(event.get("conversation_id")) or text(told.get("conversation_id"))
    report.session_id = session or report.session_id
    if kind == "init":
        report.model = text(told.get("model")) or report.model
    elif kind == "step_update":
        _step(told or event, report)
    elif kind == "result":
        _result(told or event, report)


def _step(step: Event, report: Report) -> None:
    info = mapping(step.get("tool_info"))
    state, call_id = step.get("state"), str(step.get("step_index") or "")
    if step.get("step_type") == "agent_response":
        report.says(text(step.get("text_delta")))
    elif step.get("step_type") == "tool":
        name = text(info.get("name")) or text(step.get("tool_name"))
        if state == "ACTIVE":
            report.calls_tool(name, info.get("parameters"), call_id)
        elif state in ("DONE", "ERROR"):
            failed = state == "ERROR"
            report.tool_returned(call_id, info.get("error" if failed else "output"), failed=failed, name=name)


def _result(result: Event, report: Report) -> None:
    report.ends()
    report.result = text(result.get("response"))
    if result.get("structured_output") is not None:
        report.structured = result["structured_output"]
    report.uses(_tokens(mapping(result.get("usage"))))
    if result.get("num_turns") is not None:
        report.facts["num_turns"] = result["num_turns"]
    if result.get("status") != "SUCCESS":
        error = result.get("error")
        report.fails(
            text(error) or text(mapping(error).get("message")) or report.result or str(result.get("status"))
        )


def _tokens(usage: Event) -> dict[str, int]:
    """Tokens; whether input includes what was cached, and output what was thought, is seen from the total."""
    names = ("input_tokens", "output_tokens", "thinking_tokens", "cache_read_tokens", "total_tokens")
    prompt, out, thoughts, cached, total = (count(usage.get(name)) for name in names)
    if total >= prompt + out + cached and total in (prompt + out + cached, prompt + out + cached + thoughts):
        prompt += cached
    return {
        "prompt_tokens": prompt,
        "completion_tokens": max(out, total - prompt) if total else out + thoughts,
        "cached_tokens": cached,
        "reasoning_tokens": thoughts,
    }


DIALECT = Dialect(
    name="antigravity",
    programs=("agy",),
    # It keeps its login in the desktop's keyring, which is reached by the last two.
    keys=("ANTIGRAVITY_API_KEY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"),
    permissions=_PERMISSIONS,
    arguments=_arguments,
    read=_read,
    prompt="argument",
    schema="inline",
)
