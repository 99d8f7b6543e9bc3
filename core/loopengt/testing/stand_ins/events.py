"""What each coding CLI prints, event by event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["Events", "Scene", "events_of"]

Event = dict[str, Any]


class Scene(NamedTuple):
    """One turn that is played."""

    turn: dict[str, Any]
    session: str
    usage: dict[str, int]

    @property
    def text(self) -> str:
        """The answer."""
        return "" if self.ending == "empty" else str(self.turn.get("text", "Done."))

    @property
    def ending(self) -> str:
        """How it ends."""
        return str(self.turn.get("ending", "success"))

    @property
    def failed(self) -> bool:
        """Whether the CLI says that it has failed."""
        return self.ending in ("error", "limit")

    @property
    def error(self) -> str:
        """Why."""
        wait = f", try again in {self.turn['resets_in']} seconds" if "resets_in" in self.turn else ""
        default = f"You have hit your usage limit{wait}." if self.ending == "limit" else "It broke."
        return str(self.turn.get("error", default))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools that it uses, the huge line's included."""
        huge = self.turn.get("huge", 0)
        return [
            *self.turn.get("tools", []),
            *([{"name": "read", "input": {}, "output": "x" * huge}] if huge else []),
        ]


class Events(NamedTuple):
    """What is printed before, and with, the end."""

    opening: list[Event]
    closing: list[Event]


def events_of(name: str, scene: Scene) -> Events:
    """Return what a CLI prints in a turn."""
    opening, closing = _FORMS[name]
    return Events(list(opening(scene)), list(closing(scene)))


def _claude_opening(scene: Scene) -> Iterator[Event]:
    session = {"session_id": scene.session}
    yield {
        "type": "system",
        "subtype": "init",
        "cwd": ".",
        "model": "stand-in-model",
        "tools": ["Read"],
        **session,
    }
    for number, tool in enumerate(scene.tools):
        use = {
            "type": "tool_use",
            "id": f"toolu_{number}",
            "name": tool["name"],
            "input": tool.get("input", {}),
        }
        yield {"type": "assistant", "message": {"role": "assistant", "content": [use]}, **session}
        said = {"content": tool.get("error", tool.get("output", "ok")), "is_error": "error" in tool}
        part = {"type": "tool_result", "tool_use_id": f"toolu_{number}", **said}
        yield {"type": "user", "message": {"role": "user", "content": [part]}, **session}
    if scene.ending == "limit" and "resets_in" in scene.turn:
        resets = int(time.time() + scene.turn["resets_in"])
        info = {"status": "rejected", "resetsAt": resets, "rateLimitType": "five_hour", "utilization": 1.0}
        yield {"type": "rate_limit_event", "rate_limit_info": info, **session}


def _claude_closing(scene: Scene) -> Iterator[Event]:
    message = {"role": "assistant", "content": [{"type": "text", "text": scene.text}]}
    yield {"type": "assistant", "message": message, "session_id": scene.session}
    usage = scene.usage
    result: Event = {
        "type": "result",
        "subtype": scene.turn.get("subtype", "success"),
        "is_error": scene.failed,
        "duration_ms": 5,
        "num_turns": 1 + len(scene.tools),
        "result": scene.error if scene.failed else scene.text,
        "session_id": scene.session,
        "total_cost_usd": scene.turn.get("cost", 0.01),
        "usage": {
            "input_tokens": usage["input"] - usage["cached"],
            "cache_read_input_tokens": usage["cached"],
            "cache_creation_input_tokens": 0,
            "output_tokens": usage["output"],
        },
        "permission_denials": [],
    }
    if scene.failed:
        result["api_error_status"] = scene.turn.get("status", 429 if scene.ending == "limit" else None)
    if "structured" in scene.turn:
        result["structured_output"] = scene.turn["structured"]
    yield result


def _codex_opening(scene: Scene) -> Iterator[Event]:
    yield {"type": "thread.started", "thread_id": scene.session}
    yield {"type": "turn.started"}
    for number, tool in enumerate(scene.tools):
        item = {"id": f"item_{number}", "type": "command_execution", "command": tool["name"]}
        yield {"type": "item.started", "item": {**item, "status": "in_progress"}}
        failed = "error" in tool
        said = {"aggregated_output": tool.get("error", tool.get("output", "ok")), "exit_code": int(failed)}
        yield {
            "type": "item.completed",
            "item": {**item, **said, "status": "failed" if failed else "completed"},
        }


def _codex_closing(scene: Scene) -> Iterator[Event]:
    if scene.failed:
        yield {"type": "error", "message": scene.error}
        yield {"type": "turn.failed", "error": {"message": scene.error}}
        return
    yield {"type": "item.completed", "item": {"id": "item_9", "type": "agent_message", "text": scene.text}}
    usage = scene.usage
    counts = {"input_tokens": usage["input"], "cached_input_tokens": usage["cached"]}
    counts |= {"output_tokens": usage["output"], "reasoning_output_tokens": usage["reasoning"]}
    yield {"type": "turn.completed", "usage": counts}


def _gemini_opening(scene: Scene) -> Iterator[Event]:
    yield {"type": "init", "session_id": scene.session, "model": "stand-in-model"}
    yield {"type": "message", "role": "user", "content": "(the prompt)"}
    for number, tool in enumerate(scene.tools):
        given = {"tool_name": tool["name"], "tool_id": f"call_{number}", "parameters": tool.get("input", {})}
        yield {"type": "tool_use", **given}
        said: Event = {"status": "success", "output": tool.get("output", "ok")}
        if "error" in tool:
            said = {"status": "error", "error": {"type": "tool_error", "message": tool["error"]}}
        yield {"type": "tool_result", "tool_id": f"call_{number}", **said}


def _gemini_closing(scene: Scene) -> Iterator[Event]:
    if scene.failed:
        yield {"type": "result", "status": "error", "error": {"type": "ApiError", "message": scene.error}}
        return
    middle = len(scene.text) // 2
    for piece in (scene.text[:middle], scene.text[middle:]):
        yield {"type": "message", "role": "assistant", "content": piece, "delta": True}
    usage = scene.usage
    stats = {"input_tokens": usage["input"], "cached": usage["cached"], "output_tokens": usage["output"]}
    stats |= {
        "total_tokens": usage["input"] + usage["output"] + usage["reasoning"],
        "tool_calls": len(scene.tools),
    }
    yield {"type": "result", "status": "success", "stats": stats}


def _antigravity_opening(scene: Scene) -> Iterator[Event]:
    yield {"event": "init", "conversation_id": scene.session, "init": {"model": "stand-in-model", "cwd": "."}}
    for number, tool in enumerate(scene.tools, start=1):
        step = {"step_index": number, "step_type": "tool", "tool_name": tool["name"]}
        info = {"name": tool["name"], "parameters": tool.get("input", {})}
        yield {"event": "step_update", "step_update": {**step, "state": "ACTIVE", "tool_info": info}}
        said = (
            {"error": {"message": tool["error"]}} if "error" in tool else {"output": tool.get("output", "ok")}
        )
        state = "ERROR" if "error" in tool else "DONE"
        yield {"event": "step_update", "step_update": {**step, "state": state, "tool_info": {**info, **said}}}


def _antigravity_closing(scene: Scene) -> Iterator[Event]:
    step = {"step_index": 99, "step_type": "agent_response", "state": "DONE", "text_delta": scene.text}
    yield {"event": "step_update", "step_update": step}
    usage = scene.usage
    counts = {
        "input_tokens": usage["input"],
        "cache_read_tokens": usage["cached"],
        "output_tokens": usage["output"],
    }
    counts |= {"thinking_tokens": usage["reasoning"], "total_tokens": sum(usage.values()) - usage["cached"]}
    result: Event = {
        "conversation_id": scene.session,
        "status": "ERROR" if scene.failed else "SUCCESS",
        "num_turns": 1,
    }
    result |= {"error": scene.error} if scene.failed else {"response": scene.text, "usage": counts}
    if "structured" in scene.turn:
        result["structured_output"] = scene.turn["structured"]
    yield {"event": "result", "result": result}


def _cursor_opening(scene: Scene) -> Iterator[Event]:
    session = {"session_id": scene.session}
    yield {"type": "system", "subtype": "init", "cwd": ".", "model": "stand-in-model", **session}
    yield {
        "type": "user",
        "message": {"role": "user", "content": [{"type": "text", "text": "(the prompt)"}]},
        **session,
    }
    for number, tool in enumerate(scene.tools):
        call = {"type": "tool_call", "call_id": f"call_{number}", **session}
        given = {"args": tool.get("input", {})}
        yield {**call, "subtype": "started", "tool_call": {f"{tool['name']}ToolCall": given}}
        kind = "error" if "error" in tool else "success"
        said = {**given, "result": {kind: tool.get("error", tool.get("output", "ok"))}}
        yield {**call, "subtype": "completed", "tool_call": {f"{tool['name']}ToolCall": said}}


def _cursor_closing(scene: Scene) -> Iterator[Event]:
    message = {"role": "assistant", "content": [{"type": "text", "text": scene.text}]}
    yield {"type": "assistant", "message": message, "session_id": scene.session}
    usage = scene.usage
    counts = {"inputTokens": usage["input"] - usage["cached"], "cacheReadTokens": usage["cached"]}
    result: Event = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "duration_ms": 5,
        "result": scene.text,
    }
    yield {**result, "session_id": scene.session, "usage": {**counts, "outputTokens": usage["output"]}}


def _opencode_opening(scene: Scene) -> Iterator[Event]:
    common = {"timestamp": 1, "sessionID": scene.session}
    yield {"type": "step_start", **common, "part": {"type": "step-start"}}
    for number, tool in enumerate(scene.tools):
        state: Event = {
            "status": "completed",
            "input": tool.get("input", {}),
            "output": tool.get("output", "ok"),
        }
        if "error" in tool:
            state = {"status": "error", "input": tool.get("input", {}), "error": tool["error"]}
        yield {
            "type": "tool_use",
            **common,
            "part": {"tool": tool["name"], "callID": f"call_{number}", "state": state},
        }
    if scene.tools:
        tokens = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
        part = {"type": "step-finish", "reason": "tool-calls", "cost": 0, "tokens": tokens}
        yield {"type": "step_finish", **common, "part": part}
        yield {"type": "step_start", **common, "part": {"type": "step-start"}}


def _opencode_closing(scene: Scene) -> Iterator[Event]:
    common = {"timestamp": 2, "sessionID": scene.session}
    if scene.failed:
        data: Event = {"message": scene.error, "statusCode": scene.turn.get("status", 429)}
        if "resets_in" in scene.turn:
            data["responseHeaders"] = {"retry-after": str(scene.turn["resets_in"])}
        yield {"type": "error", **common, "error": {"name": "APIError", "data": data}}
        return
    if scene.text:
        yield {"type": "text", **common, "part": {"type": "text", "text": scene.text}}
    usage = scene.usage
    tokens: Event = {
        "input": usage["input"] - usage["cached"],
        "output": usage["output"],
        "reasoning": usage["reasoning"],
    }
    tokens |= {"cache": {"read": usage["cached"], "write": 0}}
    part = {"type": "step-finish", "reason": "stop", "cost": scene.turn.get("cost", 0.01), "tokens": tokens}
    yield {"type": "step_finish", **common, "part": part}
    yield {"type": "done", **common, "reason": "idle", "rejected": []}


def _copilot_opening(scene: Scene) -> Iterator[Event]:
    yield {"type": "session.start", "data": {"sessionId": scene.session, "copilotVersion": "9.9.9"}}
    yield {"type": "user.message", "data": {"content": "(the prompt)"}}
    for number, tool in enumerate(scene.tools):
        call = {"toolCallId": f"call_{number}", "toolName": tool["name"]}
        yield {"type": "tool.execution_start", "data": {**call, "arguments": tool.get("input", {})}}
        said: Event = {"success": True, "result": {"content": tool.get("output", "ok")}}
        if "error" in tool:
            said = {"success": False, "error": {"code": "failure", "message": tool["error"]}}
        yield {"type": "tool.execution_complete", "data": {**call, **said}}


def _copilot_closing(scene: Scene) -> Iterator[Event]:
    if scene.failed:
        yield {"type": "session.error", "data": {"message": scene.error}}
    else:
        yield {
            "type": "assistant.message",
            "data": {"messageId": "m1", "content": scene.text, "toolRequests": []},
        }
    usage = {"premiumRequests": 1, "totalApiDurationMs": 5, "sessionDurationMs": 9}
    yield {"type": "result", "sessionId": scene.session, "exitCode": int(scene.failed), "usage": usage}


_FORMS: dict[str, tuple[Callable[[Scene], Iterator[Event]], Callable[[Scene], Iterator[Event]]]] = {
    "antigravity": (_antigravity_opening, _antigravity_closing),
    "claude-code": (_claude_opening, _claude_closing),
    "codex": (_codex_opening, _codex_closing),
    "copilot": (_copilot_opening, _copilot_closing),
    "cursor": (_cursor_opening, _cursor_closing),
    "gemini": (_gemini_opening, _gemini_closing),
    "opencode": (_opencode_opening, _opencode_closing),
}
