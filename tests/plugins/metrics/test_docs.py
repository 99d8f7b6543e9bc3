"""docs/metrics.md and docs/evals.md say what is so."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loopengt.evaluating import measure
from loopengt.testing import ScriptedAgent, make_kernel, run_loop
from loopengt_hookspecs.metrics import RecordedRun
from loopengt_hookspecs.models import Event, LoopState

DOCS = Path(__file__).resolve().parents[3] / "docs"


def blocks(name: str) -> list[str]:
    """Return the Python blocks of a page."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_table_names_every_metric(tmp_path: Path) -> None:
    """Each registered metric has its line in docs/metrics.md, with its unit and direction, and no other has."""
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w*) ?\| (\w*) ?\| \S", text, re.MULTILINE)
    kernel = make_kernel(tmp_path)
    known = {name: kernel.get("metrics", name) for name in kernel.names("metrics")}
    assert rows == [(name, metric.unit, metric.better or "") for name, metric in known.items()]


async def test_the_examples_of_metrics_run(tmp_path: Path) -> None:
    """The metric of the page is registered and measured, and the function of the page returns the tokens."""
    own, using = blocks("metrics.md")
    plugin: dict[str, Any] = {}
    exec(own, plugin)
    module = SimpleNamespace(loopengt_register_metrics=plugin["loopengt_register_metrics"])
    kernel = make_kernel(tmp_path, agents=ScriptedAgent("x"), plugins=[("handoffs", module)])
    namespace: dict[str, Any] = {}
    exec(using, namespace)
    async with kernel.storage():
        run_id = (await run_loop(kernel)).run_id
        assert await namespace["tokens_of"](kernel, run_id) == 0
    run = RecordedRun(LoopState(loop_name="x"), [Event(seq, "handoff", 0.0, None, {}) for seq in (1, 2)])
    assert measure(kernel, run, ["handoffs"]) == {"handoffs": 2}


def test_the_example_of_judging_runs(tmp_path: Path) -> None:
    """The function of docs/evals.md tells an output that is right from one that is wrong."""
    (using,) = blocks("evals.md")
    namespace: dict[str, Any] = {}
    exec(using, namespace)
    kernel = make_kernel(tmp_path, agents=ScriptedAgent("right"))

    async def judged() -> list[bool]:
        async with kernel.storage():
            run_id = (await run_loop(kernel)).run_id
            return [await namespace["is_right"](kernel, run_id, word) for word in ("right", "wrong")]

    assert asyncio.run(judged()) == [True, False]
