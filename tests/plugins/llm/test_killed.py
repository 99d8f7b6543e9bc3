"""A run that is killed in the midst of a tool loop goes on at the open request to its model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import FakeOpenAI, loop_spec

TOOLS = """
from pathlib import Path

def note(word: str) -> int:
    '''Writes a word down.'''
    with Path("notes.txt").open("a") as file:
        file.write(word + "\\n")
    return len(word)
"""


def environ() -> dict[str, str]:
    """The environment without settings of the person who runs the tests."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
    return own | {"OPENAI_API_KEY": "key-0123456789"}


def loopengt(folder: Path, *arguments: str) -> str:
    """Run the program, and return what it prints; it must succeed."""
    command = [sys.executable, "-m", "loopengt", *arguments]
    done = subprocess.run(command, cwd=folder, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_killed_tool_loop_goes_on(tmp_path: Path) -> None:
    """After kill -9 no answered request is sent again and no finished tool is called again."""

    def noting(word: str) -> dict[str, Any]:
        return {"tool_calls": [{"name": "note", "arguments": {"word": word}}]}

    (tmp_path / ".loopengt").mkdir()
    (tmp_path / ".loopengt" / "config.toml").write_text(
        "[plugins.local]\nlease_seconds = 1\npoll_seconds = 0.1\n"
    )
    (tmp_path / "kit.py").write_text(TOOLS)
    hangs = {"text": "nobody waits for this", "delay_seconds": 60}
    with FakeOpenAI(
        noting("one"), noting("two"), noting("three"), hangs, noting("four"), "All noted."
    ) as server:
        config = {"provider": "openai", "model": "m1", "extra": {"base_url": server.url}}
        agents = [{"name": "a", "tools": ["note"], "config": config}]
        tools = [{"name": "note", "tool_type": "function", "function_ref": "kit.note"}]
        (tmp_path / "loop.yaml").write_text(json.dumps(loop_spec(agents=agents, tools=tools)))
        process = subprocess.Popen(
            [sys.executable, "-m", "loopengt", "run", "loop.yaml", "--in-place", "--quiet"],
            cwd=tmp_path,
            env=environ(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            server.wait_for_requests(4, timeout_seconds=60)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        (row,) = json.loads(loopengt(tmp_path, "runs", "--json"))
        loopengt(tmp_path, "resume", row["run_id"], "--wait")
        sent = [request.body["messages"] for request in server.requests]
    assert (tmp_path / "notes.txt").read_text().split() == ["one", "two", "three", "four"]
    assert sent[4] == sent[3], "the open request is sent once more, with all that was said"
    assert [len(messages) for messages in sent] == [1, 3, 5, 7, 7, 9]
