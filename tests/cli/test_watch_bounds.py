"""The command ``watch`` from within: how many occasions wait, and how many runs go side by side."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel
from loopengt_cli_run.watching import Watch
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.models import TriggerOptions

if TYPE_CHECKING:
    from pathlib import Path

OCCASIONS = 5


class Burst:
    """A trigger with some occasions at once; then it lets the runs go on."""

    def __init__(self) -> None:
        self.options = TriggerOptions
        self.going = asyncio.Event()
        self.closed = 0

    def bind(self, trigger: Any, project: Path) -> Burst:
        return self

    def plan(self) -> str:
        return "a burst"

    def missing(self) -> list[Any]:
        return []

    async def occasions(self) -> Any:
        for number in range(OCCASIONS):
            yield {"number": number}
        self.going.set()

    async def close(self) -> None:
        self.closed += 1
        self.going.set()


@pytest.mark.parametrize(
    ("overlap", "most", "limit", "started", "words"),
    [
        ("skip", None, None, [0], ["Occasion 5 is skipped: a run is under way (overlap: skip)."]),
        ("queue", None, 2, [0, 1, 2], ["Occasion 3 waits", "Occasion 4 is skipped: 2 wait already."]),
        ("parallel", None, 2, [0, 1], ["Occasion 3 is skipped: 2 runs are under way"]),
        ("queue", 2, 9, [0, 1], ["Occasion 2 waits"]),
        ("parallel", 3, 9, [0, 1, 2], []),
    ],
)
def test_there_are_bounds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    overlap: str,
    most: int | None,
    limit: int | None,
    started: list[int],
    words: list[str],
) -> None:
    """Neither the queue nor the runs side by side grow without end, ``--max-runs`` bounds both, and each is told."""
    if limit is not None:
        monkeypatch.setattr("loopengt_cli_run.watching.MOST_QUEUED", limit)
        monkeypatch.setattr("loopengt_cli_run.watching.MOST_PARALLEL", limit)
    burst = Burst()
    seen: list[int] = []

    async def answer(request: Any) -> str:
        seen.append(int(request.prompt))
        # Also where watch has enough runs before: then the trigger is closed at once.
        if overlap != "queue" or most is None:
            await asyncio.wait_for(burst.going.wait(), 10)
        return "done"

    def register(register: Any) -> None:
        register("burst", burst, summary="Some at once")

    plugin = SimpleNamespace(loopengt_register_triggers=hookimpl(register))
    trigger = {"trigger_type": "burst", "config": {"overlap": overlap}}
    step = {"name": "work", "prompt_template": "{event.number}"}
    (tmp_path / "loop.yaml").write_text(json.dumps(loop_spec(step, trigger=trigger, workspace="in_place")))
    agent = ScriptedAgent(steps={"work": answer})
    kernel = make_kernel(tmp_path, agents=agent, plugins=[("burst", plugin)])
    assert Watch(kernel, tmp_path / "loop.yaml", {}).go(most) == 0
    assert sorted(seen) == started
    assert burst.closed == 1
    said = capsys.readouterr().err
    for each in words:
        assert each in said
