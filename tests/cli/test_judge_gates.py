"""What the command line says of judge gates: ``validate``, ``doctor`` and ``run --dry-run``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Bench

LOOP = """\
name: judged
goal: Write it.
agents:
  - {name: writer, config: {provider: command, extra: {command: [echo, text]}}}
  - {name: critic, config: {provider: command, extra: {command: [PROGRAM]}}}
steps:
  - {name: write, agent: writer, verification_gates: [good]}
policy:
  verification_gates:
    - name: good
      kind: judge
      threshold: 0.6
      judge: {kind: quality, agent: critic, repeat: 3}
"""


@pytest.mark.parametrize("command", [("validate",), ("doctor",), ("run", "--dry-run")])
def test_a_judge_that_names_an_agent_of_the_loop_is_sound(command: tuple[str, ...], bench: Bench) -> None:
    """The name of an agent in a judge is understood by every command that looks at a loop."""
    bench.write("loop.yaml", LOOP.replace("PROGRAM", "cat"))
    done = bench.run(*command[:1], *(() if command == ("doctor",) else ("loop.yaml",)), *command[1:])
    assert "critic" not in done.stderr, done.stderr
    if command[0] != "doctor":
        assert done.returncode == 0, done.stdout + done.stderr


def test_dry_run_shows_whom_a_judge_asks(bench: Bench) -> None:
    """The plan names the question, the agent, how often it is asked, and the threshold; what is missing is named."""
    bench.write("loop.yaml", LOOP.replace("PROGRAM", "nosuchprogram"))
    done = bench.run("run", "loop.yaml", "--dry-run")
    for words in ("ask how good the output is", "asks command: nosuchprogram", "3 times", "passes from 0.6"):
        assert words in done.stdout
    assert "nosuchprogram, which is not installed" in done.stdout + done.stderr


def test_schema_lists_the_judges(bench: Bench) -> None:
    """The JSON Schema offers every judge with its options."""
    schema = json.loads(bench.run("schema").stdout)
    rules = schema["$defs"]["JudgeSpec"]["allOf"]
    kinds = {rule["if"]["properties"]["kind"]["const"] for rule in rules}
    assert {"rubric", "exact", "pairwise", "command", "similarity"} <= kinds
