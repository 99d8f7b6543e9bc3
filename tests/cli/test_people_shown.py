"""What ``run`` shows of tools and questions before, while and after it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .people_kit import Terminal, people

if TYPE_CHECKING:
    from .conftest import Bench


def test_the_plan_names_the_tools(bench: Bench) -> None:
    """``--dry-run`` lists what agents may call, how, and with whose approval, in text and in JSON."""
    steps = [
        {"name": "plain", "agent": "plain-agent", "context_tokens": 4000, "memory": {"read": {"query": "x"}}},
        {"name": "free", "agent": "free-agent", "tools": []},
    ]
    spec = people(bench, "plain", "free", steps=steps)
    spec["tools"][0]["effects"] = "once"
    spec["agents"][1]["tools"] = []
    bench.write("loop.yaml", json.dumps(spec))
    shown = bench.run("run", ".", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    line = "   tool:      send: call work.send in this process, effects once, a person approves each call\n"
    assert shown.stdout.count(line) == 1
    assert '   declares:  memory: {"read": {"query": "x"}}, context_tokens: 4000\n' in shown.stdout
    planned = json.loads(bench.run("run", ".", "--dry-run", "--json").stdout)["steps"]
    called = {
        "tool": "send",
        "executes": "call work.send in this process",
        "effects": "once",
        "approval": True,
    }
    assert [step["tools"] for step in planned] == [[called], []]


def test_the_plan_says_what_a_tool_lacks(bench: Bench) -> None:
    """A tool whose module is nowhere is missing, once, and the exit code is 1."""
    spec = people(bench, "plain")
    spec["tools"][0]["function_ref"] = "nowhere_at_all.send"
    bench.write("loop.yaml", json.dumps(spec))
    shown = bench.run("run", ".", "--dry-run")
    assert (shown.returncode, shown.stdout.count("MISSING:")) == (1, 1), shown.stdout
    assert "nowhere_at_all" in shown.stdout.partition("MISSING:")[2]


@pytest.mark.slow
def test_pieces_of_text_are_for_a_terminal_only(bench: Bench) -> None:
    """What an agent is writing is drawn on a terminal; it is in no line of a pipe and no event of ``--json``."""
    people(bench, "plain", approval=False)
    (bench.marks / "hold").touch()
    with Terminal(bench, "run", ".", TERM="xterm-256color") as terminal:
        terminal.until("writing the last line")
        (bench.marks / "hold").unlink()
        assert terminal.ends() == 0, terminal.shown
    verbose = bench.run("run", ".", "-v")
    assert verbose.returncode == 0, verbose.stderr
    assert "the last line" not in verbose.stderr
    assert 'tool send {"to": "bob"}: sent to bob (0.0s)' in verbose.stderr
    assert 'tool send {"to": ""} FAILED: ' in verbose.stderr
    events = bench.run("run", ".", "--json")
    kinds = {json.loads(line)["event_type"] for line in events.stdout.splitlines()}
    assert ("tool.call" in kinds, "agent.progress" in kinds) == (True, False)


@pytest.mark.slow
def test_many_calls_of_an_attempt_are_counted_in_the_trace(bench: Bench) -> None:
    """The tree shows 30 calls as one line, and the JSON lines have every one."""
    people(bench, "busy", approval=False)
    assert bench.run("run", ".", "-q").returncode == 0
    assert "30 tool calls  30 ok" in bench.run("trace", "latest").stdout
    assert bench.run("trace", "latest", "-f", "jsonl").stdout.count('"tool.result"') == 30
