"""The loop that ``crash.py`` kills whose agents ask a model and call tools, and the service that answers them."""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from crash_loops import Variant, spec_of

from loopengt.testing import FakeOpenAI

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["URL", "Service", "with_calls"]

URL = "http://service.invalid/v1"
"""Stands for the address of the service in a spec."""

_TOOLS = ("mark", "linger", "dispatch")
_ROUNDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "talk": (
        ("mark", "mark", "linger"),
        ("dispatch",),
        ("linger", "linger"),
        ("mark",),
        ("dispatch",),
        ("mark",),
    ),
    "inner": (("mark", "linger"), ("dispatch",), ("mark",)),
    "each": (("mark", "linger"), ("mark",)),
}
"""What the model asks for in each of its answers, by step; then it is done."""


class Service:
    """Answers every request after a moment, and notes it in the effects log as a program would.

    Args:
        log: The effects log.
    """

    def __init__(self, log: Path) -> None:
        self.driver = 0
        """Pid of the process that drives a run now."""
        self._log = log
        self._lock = threading.Lock()
        self._server = FakeOpenAI(self._answer)
        self.url = self._server.url

    def close(self) -> None:
        """End."""
        self._server.close()

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        driver = self.driver
        named = re.search(r"<((\w+)[^>]*)>", body["messages"][0]["content"])
        assert named is not None, "every prompt names its step"
        step, declared = named.groups()
        place = sum(message["role"] == "assistant" for message in body["messages"])
        line = f"ask ?/{step}/1/1/model_{place + 1} {driver}\n".encode()
        with self._lock:
            handle = os.open(self._log, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        time.sleep(0.01)
        rounds = _ROUNDS[declared]
        usage = {"prompt_tokens": 10, "completion_tokens": 1}
        if place >= len(rounds):
            return {"text": f"{step} is done", "usage": usage}
        wishes = [
            {"name": name, "arguments": {"number": number}} for number, name in enumerate(rounds[place])
        ]
        return {"tool_calls": wishes, "usage": usage}


def with_calls() -> list[Variant]:
    """Return the variants whose agents ask a model: alone, in a sub-loop, and for ten items at the same time."""
    inner = _spec("inner", [{"name": "inner", "agent": "model", "prompt_template": "<inner>"}])
    steps = [
        {"name": "talk", "agent": "model", "prompt_template": "<talk>"},
        {"name": "sub", "loop": "inner.yaml", "dependencies": ["talk"]},
        {"name": "each", "agent": "model", "prompt_template": "<each[{item}]>", "dependencies": ["talk"]}
        | {"for_each": "context.numbers"},
    ]
    spec = _spec("calls", steps, context={"numbers": [*range(10)]}, policy={"max_concurrency": 4})
    return [Variant("calls", spec, width=12, ordered=False, more={"inner.yaml": inner}, serviced=True)]


def _spec(name: str, steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    config = {"provider": "openai-compatible", "model": "m1", "extra": {"base_url": URL, "stream": False}}
    tools = [
        {"name": tool, "tool_type": "function", "function_ref": f"agents.{tool}"}
        | ({"effects": "once"} if tool == "dispatch" else {})
        for tool in _TOOLS
    ]
    agents = [{"name": "model", "tools": list(_TOOLS), "config": config}]
    return spec_of(name, "parallel_fan_out", agents, steps, tools=tools, **more)
