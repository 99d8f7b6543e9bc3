"""A studio in which suites are run in this process, with scripted agents."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel
from loopengt_evals.suites.planning import Choice
from loopengt_evals.suites.progress import Lines
from loopengt_evals.suites.reading import load_suite
from loopengt_evals.suites.running import Options
from loopengt_evals.suites.session import begin_evaluation, continue_evaluation, run_evaluation

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt import Kernel
    from loopengt_evals.suites.results import EvaluationResult

CASES = [
    {"id": "one", "inputs": {"q": 1}, "expected": "yes"},
    {"id": "two", "inputs": {"q": 2}, "expected": "yes"},
]


class Studio:
    """A project with a loop of one step, whose agent is a function of the request."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.agent = ScriptedAgent(steps={"work": self._answer})
        self.answer: Callable[[Any], Any] = lambda request: "yes"
        self.asked: list[Any] = []
        self.config: dict[str, Any] = {}
        self.plugins: list[tuple[str, object]] = []
        self.loop()

    def _answer(self, request: Any) -> Any:
        self.asked.append(request)
        return self.answer(request)

    def loop(self, name: str = "loop.yaml", **fields: Any) -> Path:
        """Write a loop."""
        return self.write(name, json.dumps(loop_spec(**fields)))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def suite(self, **fields: Any) -> Path:
        """Write a suite: two cases that are answered rightly by yes, unless something else is said."""
        data = {
            "name": "demo",
            "loop": "loop.yaml",
            "judges": ["exact"],
            "isolation": "empty",
            "cases": CASES,
        }
        data |= fields
        return self.write("evals.yaml", json.dumps({k: v for k, v in data.items() if v is not None}))

    def kernel(self) -> Kernel:
        """Make a kernel; evaluations of several share the project's storage."""
        return make_kernel(
            self.project, agents=self.agent, storage="sqlite", config=self.config, plugins=self.plugins
        )

    def run(self, suite: Path | None = None, *, resume: str = "", choice: Choice | None = None,
            **options: Any) -> EvaluationResult:  # fmt: skip
        """Run a suite, or go on with an evaluation."""
        return asyncio.run(self.run_here(suite, resume=resume, choice=choice, **options))

    async def run_here(self, suite: Path | None = None, *, resume: str = "", choice: Choice | None = None,
                       **options: Any) -> EvaluationResult:  # fmt: skip
        """Do so in this event loop."""
        kernel = self.kernel()
        loaded = load_suite(suite or self.project / "evals.yaml", self.project)
        if resume:
            prepared = continue_evaluation(kernel, loaded, resume)
        else:
            prepared = begin_evaluation(kernel, loaded, choice or Choice())
        return await run_evaluation(prepared, Options(**options), Lines(live=False, quiet=True))


@pytest.fixture
def studio(project: Path) -> Studio:
    """A new studio."""
    return Studio(project)
