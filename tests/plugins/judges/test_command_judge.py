"""The judge ``command``: a program that scores."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.errors import JudgeError, MissingRequirement

if TYPE_CHECKING:
    from .conftest import Bench

SHOW = """
import os, pathlib, sys
said = sys.stdin.buffer.read()
assert said == pathlib.Path(os.environ["LOOPENGT_OUTPUT_FILE"]).read_bytes()
expected = os.environ.get("LOOPENGT_EXPECTED_FILE")
print(said.decode(), expected and pathlib.Path(expected).read_text(), os.getcwd(), os.environ["LOOPENGT_GOAL"], sep="|")
print(os.environ.get("OPENAI_API_KEY"), os.environ.get("LOOPENGT_WORKSPACE"), file=sys.stderr)
sys.exit(1)
"""


async def test_the_exit_code_is_the_score(bench: Bench) -> None:
    """Exit code 0 is a score of 1, any other of 0 with what the program says."""
    assert await bench.passes("command", "x", {"command": ["true"]})
    result = await bench.judge("command", "x", {"command": "echo because >&2; exit 3"})
    assert (result.score, result.passed, result.details) == (0.0, False, {"exit_code": 3})
    assert "exit code 3" in result.reasoning
    assert "because" in result.reasoning


async def test_what_the_program_is_given(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output on standard input and in a file, what is expected in a file, the workspace as folder; no key of ours."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hidden")
    run = {"command": [sys.executable, "-c", SHOW]}
    result = await bench.judge("command", {"ä": 1}, run, expected=[1, 2])
    assert result.raw_output.strip() == f'{{"ä": 1}}|[1, 2]|{bench.workspace}|Name the capital of France.'
    assert f"None {bench.workspace}" in result.reasoning
    result = await bench.judge("command", "text", run | {"run_in": "project"})
    assert result.raw_output.strip() == f"text|None|{bench.project}|Name the capital of France."


async def test_hostile_output_reaches_no_shell(bench: Bench) -> None:
    """An output that looks like a command is data on standard input."""
    assert await bench.passes("command", "$(touch owned); `touch owned`", {"command": "cat > seen"})
    assert [path.name for path in bench.workspace.iterdir()] == ["seen"]


@pytest.mark.parametrize(
    ("printed", "score"),
    [("0.75", 0.75), (" 1\n", 1.0), ("0", 0.0), ("1e-1", 0.1), ('{"score": 0.5, "reasoning": "half"}', 0.5)],
)
async def test_a_printed_score(printed: str, score: float, bench: Bench) -> None:
    """A number, or an object with a score, is the score."""
    run = {"command": ["printf", "%s", printed], "score_from": "stdout"}
    result = await bench.judge("command", "x", run)
    assert result.score == pytest.approx(score)
    assert result.raw_output.strip() == printed.strip()


async def test_printed_criteria(bench: Bench) -> None:
    """Criteria are part of the verdict."""
    printed = '{"score": 0.5, "criteria": {"speed": 1, "size": 0}}'
    run = {"command": ["printf", "%s", printed], "score_from": "stdout"}
    assert (await bench.judge("command", "x", run)).criteria == {"speed": 1.0, "size": 0.0}


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "good",
        "0.9 0.1",
        "0.9\n0.1",
        "1.2",
        "-0.1",
        "NaN",
        "Infinity",
        "1e999",
        "true",
        '"0.9"',
        "[0.9]",
        '{"score": "0.9"}',
        '{"score": true}',
        '{"score": NaN}',
        '{"score": null}',
        '{"reasoning": "fine"}',
        '{"score": 0.9} {"score": 0.1}',
        '{"score": 0.1, "score": 0.9}',
        '{"score": 0.9, "reasoning": 5}',
        '{"score": 0.9, "criteria": {"a": 2}}',
        '{"score": 0.9, "criteria": [1]}',
    ],
)
async def test_what_is_printed_and_is_no_score(printed: str, bench: Bench) -> None:
    """Anything but one number from 0 to 1, or an object with one, is an error and never a score."""
    run = {"command": ["printf", "%s", printed], "score_from": "stdout"}
    with pytest.raises(JudgeError):
        await bench.judge("command", "x", run)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("echo 0.9; exit 1", {"score_from": "stdout"}),
        ("kill -9 $$", {}),
        (["sh", "-c", "nosuchprogram --flag"], {}),
    ],
)
async def test_a_program_that_breaks_down_is_no_verdict(
    command: str | list[str], options: dict[str, Any], bench: Bench
) -> None:
    """A failure beside a printed score, a signal, and a shell that finds no program are errors."""
    with pytest.raises(JudgeError, match="ended with"):
        await bench.judge("command", "x", {"command": command, **options})


async def test_a_program_that_hangs_is_ended(bench: Bench) -> None:
    """The judge's time limit ends the program and all that it has started."""
    began = perf_counter()
    with pytest.raises(JudgeError, match=r"longer than its 0\.4 seconds"):
        await bench.judge(
            "command", "x", {"command": "sleep 60 & echo $! > pid; wait"}, spec={"timeout_seconds": 0.4}
        )
    assert perf_counter() - began < 10
    pid = int((bench.workspace / "pid").read_text())
    for _ in range(200):
        if not _alive(pid):
            break
        await asyncio.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_program_that_is_not_there(bench: Bench) -> None:
    """A missing program is no score, and is said by name before anything runs."""
    with pytest.raises(MissingRequirement, match="nosuchprogram"):
        await bench.judge("command", "x", {"command": ["nosuchprogram"]})


async def test_without_a_workspace(bench: Bench) -> None:
    """A program that is to run in the workspace gives no verdict on another folder's files."""
    with pytest.raises(JudgeError, match="workspace is gone"):
        await bench.judge("command", "x", {"command": ["true"]}, workspace=None)
    with pytest.raises(JudgeError, match="workspace is gone"):
        await bench.judge("command", "x", {"command": ["true"]}, workspace=bench.project / "no")
    assert await bench.passes("command", "x", {"command": ["true"], "run_in": "project"}, workspace=None)
