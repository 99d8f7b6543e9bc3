"""The value of a stop condition is checked when a spec is validated, by the kind that will use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = """\
name: bounded
goal: g
agents: [{{name: a, config: {{provider: command, extra: {{command: [echo, hi]}}}}}}]
steps: [{{name: s, agent: a}}]
stop_conditions:
  - condition_type: {kind}
    value: {value}
"""


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("max_turns", "many", "a whole number of turns above 0"),
        ("max_turns", "0", "a whole number of turns above 0"),
        ("max_turns", "2.5", "a whole number of turns above 0"),
        ("timeout", "soon", "a number of seconds above 0"),
        ("quality_threshold", "[0.8]", "a score above 0"),
        ("custom", "7", "an expression as text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_shown_in_its_place(
    tmp_path: Path, kind: str, value: str, said: str
) -> None:
    """``validate`` points at the value, says what the kind takes, and exits 2."""
    spec = tmp_path / "loop.yaml"
    spec.write_text(SPEC.format(kind=kind, value=value), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "loopengt", "validate", str(spec)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{spec}:7:12: stop condition '{kind}' has the value" in done.stdout + done.stderr
    assert said in done.stdout + done.stderr
