"""A bench for templates: fill one, and run its loop with agents that follow a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.spec import parse_document
from loopengt.templates import find_template
from loopengt.testing import ScriptedAgent, make_kernel, run_loop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult


class TemplateBench:
    """A project, in which ``auto`` is done by a script."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.agent = ScriptedAgent()

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def run(self, template: str, *, in_place: bool = False, **values: Any) -> RunResult:
        """Fill a template and run its loop as it is, but that no retry waits."""
        environ = {"XDG_CONFIG_HOME": str(self.project / "nobody")}
        kernel = make_kernel(
            self.project, agents=self.agent, config={"agents": {"auto": ["scripted"]}}, environ=environ
        )
        text = find_template(kernel, template).open().fill(values)["loop.yaml"]
        spec = parse_document(text).data
        assert any(agent["config"]["provider"] == "auto" for agent in spec["agents"])
        return await run_loop(kernel, spec, in_place=in_place)

    def shown(self, step: str) -> list[str]:
        """The prompts of a step so far."""
        return [request.prompt for request in self.agent.asked(step)]


def writes(files: Mapping[str, str], answer: Any = "Done.") -> Any:
    """An answer of an agent that writes files into its workspace; of text None, takes one away."""

    def act(request: AgentRequest) -> Any:
        for name, text in files.items():
            path = request.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return json.loads(json.dumps(answer))

    return act


@pytest.fixture
def bench(tmp_path: Path) -> TemplateBench:
    """A project with nothing in it."""
    project = tmp_path / "project"
    (project / ".loopengt").mkdir(parents=True)
    return TemplateBench(project)


@pytest.fixture
def agent_writes() -> Any:
    """Make the answer of an agent that writes files."""
    return writes
