"""Every built-in pattern, stop condition and engine passes its suite."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from .builtin import suites

AGENTS = [{"name": name, "config": {"provider": "scripted"}} for name in ("ann", "bob", "cyd")]
STEPS = [{"name": f"step {agent['name']}", "agent": agent["name"]} for agent in AGENTS]


def asks_to_stop(self: Any, folder: Path) -> None:
    """Make the file that the condition ``manual`` looks for."""
    (folder / ".loopengt").mkdir()
    (folder / ".loopengt" / "stop").touch()


def writes_a_letter(self: Any, folder: Path) -> None:
    """Write a file that the trigger ``event`` waits for."""
    (folder / "a.letter").write_text("x")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


globals().update(
    suites(
        "patterns",
        {
            "handoff": {"steps": STEPS, "fields": {"agents": AGENTS, "handoff": {"protocol": "direct"}}},
            "supervisor_worker": {"answer": {"done": True}},
        },
    )
    | suites(
        "stop_conditions",
        {
            "max_turns": {
                "value": 3,
                "holds": {"turn": 3},
                "holds_not": {"turn": 2},
                "refused": ["many", -1, None],
            },
            "timeout": {
                "value": 3,
                "holds": {"elapsed": 3.0},
                "holds_not": {"elapsed": 2.9},
                "refused": ["long", []],
            },
            "goal_met": {"holds": {"turn": 1, "goal_reached": True}, "refused": ["output ==", []]},
            "quality_threshold": {
                "value": 0.8,
                "holds": {"turn": 1, "last_output": {"score": 0.9}},
                "holds_not": {"turn": 1, "last_output": {"score": 0.7}},
                "refused": ["good"],
            },
            "manual": {"holds": {}, "occur": asks_to_stop, "refused": ["../elsewhere", 7]},
            "custom": {
                "value": "run.turn > 2",
                "holds": {"turn": 3},
                "holds_not": {"turn": 2},
                "refused": [None, "run.turn >", 7],
            },
        },
    )
    | suites("engines")
    | suites(
        "triggers",
        {
            "schedule": {
                "config": {"every": "1h", "at_start": True},
                "comes": True,
                "refused": [{"every": "soon"}, {}],
            },
            "event": {
                "config": {"paths": ["*.letter"], "poll": "0.05s", "debounce": "0.05s"},
                "occur": writes_a_letter,
                "refused": [{"paths": []}, {"paths": ["../*"]}],
            },
            "webhook": {"config": {"port": free_port()}, "comes": False, "refused": [{"port": 0}, {}]},
        },
    )
)
