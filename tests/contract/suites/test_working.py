"""Every built-in agent, middleware, tool and type of tools passes its suite."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from loopengt.testing import make_kernel

from .builtin import suites

BAD_SERVER = [sys.executable, "-S", str(Path(__file__).parents[2] / "plugins" / "mcp" / "bad_server.py")]
ECHO = [sys.executable, "-S", "-c", "import sys; print(sys.stdin.read())"]
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
FAIL = [sys.executable, "-S", "-c", "raise SystemExit(3)"]
FUNCTIONS = '''
import asyncio

def answer(request):
    return {"said": request.prompt}

def fail(request):
    raise ValueError("no")

async def slow(request):
    await asyncio.sleep(60)

def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    if a < 0:
        raise ValueError("no negative numbers")
    return a + b
'''


def writes_functions(self: Any, folder: Path) -> None:
    """Write the module of functions into the project."""
    (folder / "functions_of_suite.py").write_text(FUNCTIONS)


def writes_files(self: Any, folder: Path) -> None:
    """Write a file for tools that read."""
    (folder / "notes.txt").write_text("one\ntwo\nthree\n")


def with_functions(kind: str, name: str) -> Any:
    """Return what makes a component in a project that has the functions."""

    def make(self: Any, folder: Path) -> Any:
        writes_functions(self, folder)
        return make_kernel(folder).get(kind, name)

    return make


def with_server(self: Any, folder: Path) -> Any:
    """Make the tool type with a server."""
    config = {"mcp": {"servers": {"bad": {"command": BAD_SERVER}}}}
    return make_kernel(folder, config=config).get("tool_types", "mcp")


READS: dict[str, Any] = {"prepare": writes_files}

globals().update(
    suites(
        "agents",
        {
            "command": {
                "extra": {"command": ECHO},
                "slow_extra": {"command": SLEEP},
                "failing_extra": {"command": FAIL},
            },
            "scripted": {"extra": {"answers": ["one", "two", "three"]}},
            "python": {
                "extra": {"function": "functions_of_suite:answer"},
                "make": with_functions("agents", "python"),
            },
            "auto": {"closed_options": False},
            "cursor": {"extra": {"permissions": "full"}},
        },
        partial(make_kernel, agents={}),
        often=("auto", "claude-code", "command", "host", "human", "openai", "python", "scripted"),
    )
    | suites("middleware", {"replay": {"passes_on": False, "passes_errors": False}})
    | suites(
        "tools",
        {
            "read_file": READS | {"arguments": {"path": "notes.txt"}, "failing": [{"path": "absent"}]},
            "write_file": {
                "arguments": {"path": "new.txt", "content": "x"},
                "failing": [{"path": "", "content": ""}],
            },
            "edit_file": READS
            | {
                "arguments": {"path": "notes.txt", "old_text": "two", "new_text": "2"},
                "failing": [{"path": "notes.txt", "old_text": "four", "new_text": "4"}],
            },
            "list_files": READS | {"arguments": {"path": "."}, "failing": [{"path": "absent"}]},
            "search_text": READS | {"arguments": {"query": "two"}},
            "run_command": {
                "options": {"allow": ["sleep", "true"]},
                "arguments": {"command": ["true"]},
                "slow": {"command": ["sleep", "60"]},
                "failing": [{"command": ["false"]}],
            },
        },
    )
    | suites(
        "tool_types",
        {
            "builtin": {
                "declaration": {"name": "list_files"},
                "arguments": {"path": "."},
                "failing": {"path": "absent"},
                "refused": [{"name": "nothing_has_this_name"}, {"name": "list_files", "options": {"odd": 1}}],
            },
            "mcp": {
                "make": with_server,
                "declaration": {"name": "echo", "tool_type": "mcp", "mcp_server": "bad"},
                "arguments": {"text": "x"},
                "refused": [{"name": "echo", "tool_type": "mcp", "mcp_server": "absent"}],
            },
            "function": {
                "prepare": writes_functions,
                "declaration": {
                    "name": "add",
                    "tool_type": "function",
                    "function_ref": "functions_of_suite.add",
                },
                "arguments": {"a": 1},
                "failing": {"a": -1},
                "refused": [{"name": "add", "tool_type": "function", "function_ref": "no path!"}],
            },
        },
    )
)
