"""A process that is killed in the midst of a tool loop: nothing that was answered is asked for, or done, again."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import FakeOpenAI

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Stage

ROUNDS = 10
"""Rounds of two calls each: twenty calls of a tool."""

TOOL = '''
import os
from pathlib import Path


def note(text: str) -> str:
    """Write a line down."""
    with open(os.environ["NOTES"], "a") as file:
        file.write(text + "\\n")
    return f"noted {text}"
'''


class Conversation:
    """What the model says, by how far the conversation has come; one answer can be held back.

    Args:
        held: The request, from 0, whose answer does not come until the test lets it.
    """

    def __init__(self, held: int | None = None) -> None:
        self.held = held
        self.asked: list[int] = []
        self.go_on = threading.Event()

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request."""
        place = sum(message["role"] == "assistant" for message in body["messages"])
        self.asked.append(place)
        if place == self.held:
            self.go_on.wait(30)
        usage = {"prompt_tokens": 10, "completion_tokens": 1}
        if place == ROUNDS:
            return {"text": "All is noted.", "usage": usage}
        wishes = [{"name": "note", "arguments": {"text": f"{place}{which}"}} for which in "ab"]
        return {"tool_calls": wishes, "usage": usage}


def write_loop(stage: Stage, url: str) -> None:
    """A loop whose agent talks to the service and calls the tool."""
    stage.mark("notes").touch()
    (stage.project / "note_tools.py").write_text(TOOL)
    config = {"provider": "openai-compatible", "model": "m1", "extra": {"base_url": url}}
    spec = {
        "name": "notes",
        "goal": "Note it all.",
        "agents": [{"name": "writer", "tools": ["note"], "config": config}],
        "tools": [{"name": "note", "tool_type": "function", "function_ref": "note_tools.note"}],
        "steps": [{"name": "write", "agent": "writer"}],
    }
    (stage.project / "loop.yaml").write_text(json.dumps(spec))


@pytest.mark.parametrize("held", [5, *(pytest.param(held, marks=pytest.mark.slow) for held in (0, ROUNDS))])
def test_a_kill_in_the_midst_of_a_tool_loop(stage: Stage, until: Callable[..., None], held: int) -> None:
    """Killed while the model is asked, the run goes on at that very request: twenty calls in all, each made once."""
    stage.short_lease("sqlite")
    env = {"NOTES": str(stage.mark("notes"))}
    talk = Conversation(held)
    with FakeOpenAI(talk) as server:
        write_loop(stage, server.url)
        process = stage.start("run", "loop.yaml", "--in-place", env=env)
        until(lambda: held in talk.asked, "the request is sent")
        stage.kill(process)
        talk.held = None
        talk.go_on.set()
        noted = len(stage.marked("notes"))
        assert noted == 2 * held
        done = stage.run("resume", stage.row().run_id, env=env)
    assert done.returncode == 0, done.stderr
    assert talk.asked == [*range(held + 1), *range(held, ROUNDS + 1)]
    assert sorted(stage.marked("notes")) == sorted(
        f"{place}{which}" for place in range(ROUNDS) for which in "ab"
    )
    assert stage.row().tokens == 11 * (ROUNDS + 1)
