"""The command ``doctor`` on the tools of a project's loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Reporter

LOOP = """\
name: demo
goal: Do it.
agents:
  - name: worker
    tools: [price, clock]
    config: {provider: python, extra: {function: "work:work"}}
tools:
  - name: price
    function_ref: nowhere.to.be.found
    auth: {method: bearer, env_var: NO_SUCH_KEY}
  - {name: clock, tool_type: mcp, mcp_server: time}
  - {name: spare, function_ref: nowhere.either}
mcp_servers:
  time: {command: no-such-server}
steps:
  - {name: work, agent: worker}
"""


@pytest.mark.slow
def test_what_tools_lack_is_found(report: Reporter, project: Path) -> None:
    """The module, the key and the program that tools need are named; a tool that nobody is given needs nothing."""
    (project / "work.py").write_text("def work(request): return 1\n")
    (project / "loop.yaml").write_text(LOOP)
    found = report(project)
    assert found.exit_code == 1
    module, key, server = (each["message"] for each in found.of("specs", "fail"))
    assert module.startswith("loop.yaml: tool 'price' calls nowhere.to.be.found, but there is no module")
    assert key == "loop.yaml: tool 'price' needs the environment variable NO_SUCH_KEY"
    assert server.startswith("loop.yaml: MCP server 'time' runs no-such-server")


@pytest.mark.slow
def test_what_a_run_would_refuse_is_found(report: Reporter, project: Path) -> None:
    """A loop that cannot work as it is declared fails once, although nothing is missing."""
    wrong = LOOP.replace("tools: [price, clock]", "tools: [files]").replace("name: spare,", "name: files,")
    wrong = wrong.replace("function_ref: nowhere.either", "tool_type: builtin")
    (project / "work.py").write_text("def work(request): return 1\n")
    (project / "loop.yaml").write_text(wrong)
    (refused,) = report(project).of("specs", "fail")
    assert refused["message"].startswith("loop.yaml: there is no builtin tool 'files'")
    assert refused["remedy"].startswith("Correct the tool's name")
