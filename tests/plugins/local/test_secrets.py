"""Secrets of the environment that agents and gates print never reach what is written down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECRET = "sk-live-4242424242424242"

SPEC = """\
name: leaky
goal: say too much
pattern: repeat
agents:
  - name: leaker
    config:
      provider: command
      extra:
        command: "echo key=$FAKE_API_KEY; echo err=$FAKE_API_KEY >&2; cat; test -e again || { touch again; exit 3; }"
        pass_env: [FAKE_API_KEY]
steps:
  - name: leak
    agent: leaker
    prompt_template: "{goal} {feedback}"
    verification_gates: [checked]
policy:
  max_turns: 2
  verification_gates:
    - {name: checked, kind: command, command: "echo the gate saw $(cat said 2>/dev/null); grep key leaked"}
"""


def test_a_secret_reaches_neither_database_nor_trace_nor_screen(tmp_path: Path) -> None:
    """An agent's output, its error text and a gate's output name the key; nothing that is kept or shown does."""
    (tmp_path / "loop.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "said").write_text(SECRET, encoding="utf-8")
    environ = os.environ | {"FAKE_API_KEY": SECRET}
    run = [sys.executable, "-m", "loopengt", "run", "--in-place", "--verbose", "loop.yaml"]
    done = subprocess.run(run, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    trace = [sys.executable, "-m", "loopengt", "trace", "latest", "--format", "json"]
    shown = subprocess.run(trace, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "key=[redacted]" in shown
    assert "err=[redacted]" in shown
    assert "the gate saw [redacted]" in shown
    assert SECRET not in shown + done.stdout + done.stderr
    kept = b"".join(path.read_bytes() for path in (tmp_path / ".loopengt").rglob("*") if path.is_file())
    assert kept
    assert SECRET.encode() not in kept
