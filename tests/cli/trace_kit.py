"""Runs as journals have them, made without an engine, and ``loopengt`` called in this process to look at them."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from loopengt import Kernel
from loopengt.cli.program import main
from loopengt.journal import Fold, Journal, encode_value, to_json_data
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

Entry: TypeAlias = tuple[str, str | None, dict[str, Any]]

RUN = "20260101-120000-aaaaaaaaaa"
END: Entry = ("loop.complete", None, {"reason": "goal_met", "detail": "all is well"})
_STATUS = {"loop.complete": "completed", "loop.error": "failed", "loop.pause": "paused"}


class Shown(NamedTuple):
    """What a command has printed."""

    code: int
    out: str
    err: str


def look(capsys: pytest.CaptureFixture[str], project: Path, *words: str) -> Shown:
    """Call ``loopengt`` in a project."""
    code = main(["-C", str(project), *words])
    return Shown(code, *capsys.readouterr())


def start(run_id: str = RUN, **more: Any) -> Entry:
    """Return the first event of a run."""
    data = {
        "run_id": run_id,
        "loop": "demo",
        "pattern": "repeat",
        "goal": "Make it work.",
        "spec": "0" * 64,
        "steps": ["work"],
        "context": {},
        "workspace": {"path": "/somewhere", "kind": "copy"},
    }
    return ("loop.start", None, data | more)


def lap(number: int, output: Any = "fine", *, passed: bool = True, step: str = "work") -> list[Entry]:
    """Return the events of a lap with one gate; its prompt, feedback and error are what the agent says."""
    data = {"turn": number, "occurrence": number, "attempt": 1}
    gate: dict[str, Any] = {"gate": "tests", "kind": "command", "attempt": 1, "duration": 0.5}
    gate["proof"] = {"exit_code": 0 if passed else 1, "output_tail": output}
    usage = {"prompt_tokens": 1000, "completion_tokens": 234}
    return [
        ("step.start", step, data | {"agent": "worker"}),
        ("agent.invoke", step, {"provider": "command", "prompt": output}),
        ("tool.call", step, {"attempt": 1, "call": f"t{number}", "tool": "write", "input": {"text": output}}),
        (
            "tool.result",
            step,
            {"attempt": 1, "call": f"t{number}", "tool": "write", "output": output, "duration": 0.1},
        ),
        (
            "agent.response",
            step,
            {"attempt": 1, "output": output, "duration": 0.25, "token_usage": usage, "cost_usd": 0.5},
        ),
        ("gate.pass", step, gate) if passed else ("gate.fail", step, gate | {"feedback": output}),
        ("step.complete", step, data),
    ]


def record(project: Path, entries: Sequence[Entry], spec: dict[str, Any] | None = None) -> str:
    """Write a run into the project's storage, one event a second; nobody drives it any more. Return its id."""
    (project / ".loopengt").mkdir(parents=True, exist_ok=True)
    run_id = str(entries[0][2]["run_id"])

    async def write() -> None:
        kernel = Kernel(project)
        async with kernel.storage() as storage:
            if spec is not None:
                entries[0][2]["spec"] = await storage.put_blob(encode_value(to_json_data(spec)[0]))
            clock = iter(range(1_767_268_800, 1_800_000_000))
            journal = Journal(storage, Fold(history=False), clock=lambda: float(next(clock)))
            journal.note(*entries[0])
            status = [_STATUS.get(kind, "running") for kind, _, _ in entries if kind.startswith("loop.")][-1]
            row = RunRow(run_id, "demo", "running", started_at=1_767_268_800.0)
            await journal.create(row, current_owner(), 60)
            for entry in entries[1:]:
                journal.note(*entry)
            row.status = status
            await journal.commit(row=row, release=True)

    asyncio.run(write())
    return run_id


def damage(project: Path) -> None:
    """Put garbage in the place of the storage's last batch."""
    connection = sqlite3.connect(project / ".loopengt" / "loopengt.db")
    connection.execute("UPDATE events SET payload = x'00' WHERE id = (SELECT max(id) FROM events)")
    connection.commit()
    connection.close()
