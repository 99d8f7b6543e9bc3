"""The command ``validate`` on what agents are given: tools, servers, memory, summarizers and sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

SPEC = """\
name: demo
goal: Do it.
agents:
  - name: writer
    tools: [read_file, price]
  - name: shell
    config: {provider: command, extra: {command: [cat]}}
tools:
  - name: read_file
    tool_type: builtin
    options: {max_output_bytes: 9000}
  - name: price
    function_ref: nowhere.to.be.found
    auth: {method: bearer, env_var: NO_SUCH_KEY}
  - name: clock
    tool_type: mcp
    mcp_server: time
    mcp_tools: [now]
mcp_servers:
  time: {command: no-such-server}
steps:
  - name: ask
    agent: writer
    memory:
      read: {query: "{goal}"}
  - name: tell
    agent: shell
    context_tokens: 100
    summarizer: writer
"""
"""A sound spec, though this machine lacks the module, the key and the server that it names."""

PRICE = """\
    function_ref: nowhere.to.be.found
    auth: {method: bearer, env_var: NO_SUCH_KEY}
"""

CASES = {
    "an unknown builtin tool": (
        (PRICE, "    tool_type: builtin\n"),
        12,
        "there is no builtin tool 'price'",
    ),
    "a wrong option": (("max_output_bytes:", "max_bytes:"), 9, "max_bytes: there is no such option"),
    "an unknown server": (("mcp_server: time", "mcp_server: tine"), 15, "names the MCP server 'tine'"),
    "a path that is none": (("nowhere.to.be.found", "../x.py"), 12, "function_ref of tool 'price'"),
    "what a type does not read": (("mcp_tools: [now]", "function_ref: a:b"), 18, "is of type mcp"),
    "tools for a command": (("agent: shell\n", "agent: shell\n    tools: [price]\n"), 26, "calls no tools"),
    "a session": (("agent: shell\n", "agent: shell\n    session: continue\n"), 26, "keeps no sessions"),
    "an unknown summarizer": (("summarizer: writer", "summarizer: witer"), 29, "the summarizer 'witer'"),
    "an unread summarizer": (("    context_tokens: 100\n", ""), 28, "declares no context_tokens"),
    "an unread mode": (('{query: "{goal}"}', "{mode: keyword}"), 25, "has no query"),
    "no embedder": (('"{goal}"}', '"{goal}", mode: vector}'), 25, "no embedder is configured"),
}
"""What is wrong: the text that is replaced, the line that is named, and words that are said."""


def test_what_the_machine_lacks_is_no_error_of_the_spec(site: Site, project: Path) -> None:
    """A module, a key and a program that are not here are told by doctor, and the spec is sound."""
    (project / "loop.yaml").write_text(SPEC)
    done = site.run("validate", "loop.yaml", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OK loop.yaml: demo")


@pytest.mark.parametrize("case", CASES)
def test_what_would_not_be_done_is_shown_where_it_is_written(site: Site, project: Path, case: str) -> None:
    """What a run would refuse is one line with its place, before any run."""
    (old, new), line, words = CASES[case]
    assert SPEC.count(old) == 1
    (project / "loop.yaml").write_text(SPEC.replace(old, new))
    done = site.run("validate", "loop.yaml", cwd=project)
    (told,) = done.stdout.splitlines()
    assert told.startswith(f"loop.yaml:{line}:")
    assert words in told
    assert (done.returncode, done.stderr) == (2, "")


def test_all_is_told_at_once(site: Site, project: Path) -> None:
    """Several refusals, those of a loop below included, come together, as JSON too."""
    wrong = SPEC.replace("name: read_file\n", "name: read_files\n").replace("[read_file,", "[read_files,")
    wrong = wrong.replace("agent: shell\n", "agent: shell\n    session: continue\n")
    (project / "loop.yaml").write_text(wrong + "  - {name: more, loop: below.yaml}\n")
    (project / "below.yaml").write_text(SPEC.replace("mcp_server: time", "mcp_server: tine"))
    done = site.run("validate", "--json", "loop.yaml", cwd=project)
    problems = json.loads(done.stdout)
    assert [problem["line"] for problem in problems] == [1, 9, 26]
    assert problems[0]["message"].startswith("below.yaml: tool 'clock' names the MCP server 'tine'")
    assert done.returncode == 2
