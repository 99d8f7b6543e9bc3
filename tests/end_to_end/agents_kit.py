"""A model that says what a test has written for each step, tools that leave traces, and loops of both."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .conftest import Stage

__all__ = ["USAGE", "Dialogue", "agent", "calls", "loop_of", "put_tools", "says", "write"]

USAGE = {"prompt_tokens": 10, "completion_tokens": 1}
"""What every answer uses."""

TOOLS = '''
import asyncio
import os
from pathlib import Path


def _notes() -> Path:
    return Path(os.environ["NOTES"])


def _add(name: str, word: object) -> None:
    with (_notes() / name).open("a", encoding="utf-8") as file:
        file.write(f"{word}\\n")


def note(word: str, number: float = 0.0) -> dict:
    """Write a word down."""
    _add("noted", word)
    return {"noted": word, "number": number}


def send(word: str) -> str:
    """Do what may be done once only."""
    _add("sent", word)
    return f"sent {word}"


def tell() -> str:
    """Say what nobody may know."""
    return f"the key is {(_notes() / 'key').read_text()}"


def long() -> str:
    """Answer with more than an event holds."""
    return "tale " * 20_000


async def wait(word: str) -> str:
    """Begin, and end when the test lets it."""
    _add("begun", word)
    while not (_notes() / "go").exists():
        await asyncio.sleep(0.01)
    _add("waited", word)
    return f"waited {word}"
'''

_DECLARED: dict[str, dict[str, Any]] = {
    "note": {},
    "send": {"effects": "once"},
    "tell": {},
    "long": {},
    "wait": {},
}


class Dialogue:
    """Answers by the step that a request's messages name, and by how far its conversation has come.

    Args:
        **lines: For each step what the model says, one answer after the other; the last one goes on for ever.
    """

    def __init__(self, **lines: Sequence[Any]) -> None:
        self.lines = lines
        self.trouble: dict[tuple[str, int], list[dict[str, Any]]] = {}
        """Failures that come before an answer, by step and place."""
        self.asked: list[tuple[str, int]] = []
        """Step and place of each request, those that failed too."""
        self.bodies: list[dict[str, Any]] = []
        self.held: set[tuple[str, int]] = set()
        """Answers that do not come until ``go_on`` is set."""
        self.go_on = threading.Event()

    def __call__(self, body: dict[str, Any]) -> Any:
        """Answer a request."""
        said = "".join(str(message["content"]) for message in body["messages"])
        step = next(name for name in self.lines if f"<{name}>" in said)
        place = sum(message["role"] == "assistant" for message in body["messages"])
        self.asked.append((step, place))
        self.bodies.append(body)
        if (step, place) in self.held:
            self.go_on.wait(60)
        if self.trouble.get((step, place)):
            return self.trouble[step, place].pop(0)
        lines = self.lines[step]
        return lines[min(place, len(lines) - 1)]

    @property
    def times(self) -> Counter[tuple[str, int]]:
        """How often each answer was asked for."""
        return Counter(self.asked)


def says(text: str = "Done.", **fields: Any) -> dict[str, Any]:
    """An answer in words."""
    return {"text": text, "usage": USAGE, **fields}


def calls(*wishes: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    """An answer that asks for tools, each as (name, arguments)."""
    asked = [{"name": name, "arguments": given} for name, given in wishes]
    return {"tool_calls": asked, "usage": USAGE, **fields}


def agent(url: str, name: str = "writer", **fields: Any) -> dict[str, Any]:
    """Describe an agent that asks the service, and has every tool."""
    extra = {"base_url": url, **fields.pop("extra", {})}
    config = {"provider": "openai-compatible", "model": "m1", "extra": extra, **fields.pop("config", {})}
    return {"name": name, "tools": list(_DECLARED), "config": config, **fields}


def loop_of(
    url: str,
    *steps: str | Mapping[str, Any],
    tools: Mapping[str, Mapping[str, Any]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Describe a loop whose prompts name their steps.

    Args:
        url: Where the service is.
        *steps: The steps, by name or whole, default ``work``.
        tools: What is declared of tools beside what all have, by name.
        **fields: Further top-level keys of the spec.
    """
    described = [{"name": step} if isinstance(step, str) else step for step in steps or ("work",)]
    declared = [
        {
            "name": name,
            "tool_type": "function",
            "function_ref": f"kit_tools.{name}",
            **own,
            **(tools or {}).get(name, {}),
        }
        for name, own in _DECLARED.items()
    ]
    prompted = [
        {"agent": "writer", "prompt_template": f"<{step['name']}>", **step}
        if "loop" not in step
        else dict(step)
        for step in described
    ]
    retry = {"initial_delay_seconds": 0.02, "jitter": False}
    spec = {
        "name": "agents",
        "goal": "Get there.",
        "agents": [agent(url)],
        "tools": declared,
        "steps": prompted,
        "policy": {"retry": retry, **fields.pop("policy", {})},
    }
    return spec | fields


def put_tools(stage: Stage) -> dict[str, str]:
    """Put the tools into a project, and return the environment that they need."""
    (stage.project / "kit_tools.py").write_text(TOOLS)
    (stage.marks / "key").write_text("nothing")
    return {"NOTES": str(stage.marks)}


def write(stage: Stage, spec: Mapping[str, Any], name: str = "loop.yaml") -> None:
    """Write a loop into a project."""
    Path(stage.project / name).write_text(json.dumps(spec))
