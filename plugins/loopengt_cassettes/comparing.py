"""Describes a request for a cassette, and shows how two of them differ."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from loopengt.redaction import process_redactor
from loopengt_cassettes.replies import CUT_OFF

if TYPE_CHECKING:
    from loopengt_cassettes.placeholders import Placeholders
    from loopengt_hookspecs.agents import AgentRequest

__all__ = ["Comparison", "describe"]

_LARGEST_CONTEXT = 16_000
"""Bytes of a context that is kept as it is; of a larger one its digest is."""

_MOST_LINES = 60
"""Lines of a difference that are shown."""

_UNIT = r"(?:ns|us|µs|ms|s|secs?|mins?|(?:nano|micro|milli)?seconds?|minutes?)"
_VOLATILE = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\x1b\[[0-?]*[ -/]*[@-~]", ""),
        # In a replay nobody is too slow: the attempt fails with other words than the engine's.
        (rf"step '[^'\n]*' took longer than its \S+ seconds|{re.escape(CUT_OFF)}", "<too slow>"),
        (r"/(?:private/)?(?:var/folders/[^/\s]+/[^/\s]+/T|(?:var/)?tmp|dev/shm)/[^\s'\"]+", "<temporary>"),
        (r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b", "<uuid>"),
        (r"\b0x[0-9A-Fa-f]{5,16}\b", "<address>"),
        (
            r"\b\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2})\b)?",
            "<time>",
        ),
        (r"(?<![\w:.])\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b", "<time>"),
        (rf"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)? ?{_UNIT}\b", "<duration>"),
        (r"\b(pid|PID)\b([ :=#]*)\d+", r"\1\2<pid>"),
        (r"={3,}", "==="),  # rules are drawn as long as what stands in them leaves room for
    )
)
"""What gates say anew each time, though they say the same; taken out of feedback, and of nothing else."""

_LONG_FEEDBACK = 16
"""Characters from which a feedback is looked for in the midst of a prompt, where a template has put it."""


def describe(request: AgentRequest, placeholders: Placeholders) -> dict[str, Any]:
    """Return what a cassette says of a request: JSON data, with placeholders and without secrets."""
    config = request.agent.config
    context = placeholders.take_out(dict(request.context))
    raw = json.dumps(context, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "replace")
    large = len(raw) > _LARGEST_CONTEXT
    feedback = placeholders.take_out(request.feedback)
    described = {
        "loop": request.loop,
        "step": request.step,
        "occurrence": request.occurrence,
        "attempt": request.attempt,
        "agent": request.agent.name,
        "provider": config.provider,
        "model": config.model if "model" in config.model_fields_set else None,
        "system_prompt": placeholders.take_out(request.system_prompt),
        "prompt": _without(feedback, placeholders.take_out(request.prompt)),
        "feedback": feedback,
        "context": {"sha256": hashlib.sha256(raw).hexdigest()} if large else json.loads(raw),
    }
    cleaned: dict[str, Any] = _redacted(described)
    return cleaned


def _without(feedback: str, prompt: str) -> str:
    """Return a prompt with a mark where the feedback stands, which is compared by itself."""
    if feedback and prompt.endswith(feedback):
        return f"{prompt.removesuffix(feedback)}{{feedback}}"
    return prompt.replace(feedback, "{feedback}") if len(feedback) >= _LONG_FEEDBACK else prompt


def _redacted(value: Any) -> Any:
    redactor = process_redactor()
    if not redactor.active:
        return value
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value


class Comparison:
    """Compares requests, but for what differs in feedback each time: durations, times, addresses, temporary paths.

    Args:
        ignore: Regular expressions; what they match is not compared either.
    """

    def __init__(self, ignore: Iterable[str] = ()) -> None:
        self._ignored = tuple((re.compile(pattern), "<ignored>") for pattern in ignore)

    def difference(self, recorded: Mapping[str, Any], made: Mapping[str, Any]) -> str:
        """Return how a request differs from the recorded one, as a unified diff; empty: it does not."""
        before, after = self._lines(recorded), self._lines(made)
        if before == after:
            return ""
        lines = list(difflib.unified_diff(before, after, "recorded", "now", n=2, lineterm=""))
        if len(lines) > _MOST_LINES:
            lines = [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more lines"]
        return "\n".join(lines)

    def _lines(self, request: Mapping[str, Any]) -> list[str]:
        """Write a request in lines: texts line by line below their key, all else as JSON."""
        lines: list[str] = []
        for key in sorted({"loop", *request}):
            value = request.get(key)
            text = (
                value
                if isinstance(value, str)
                else json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
            )
            for pattern, word in (*self._ignored, *(_VOLATILE if key == "feedback" else ())):
                text = pattern.sub(word, text)
            if isinstance(value, str) and "\n" in text:
                lines += [f"{key}:", *(f"  {line.rstrip()}" for line in text.split("\n"))]
            else:
                lines += f"{key}: {text}".split("\n")
        return lines
