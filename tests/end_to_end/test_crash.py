"""Runs that are killed at random moments lose nothing and double nothing: ``crash.py``, short and long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("crash.py")

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc, to see what is left behind")


def crash(*options: str, seconds: float) -> None:
    """Run the script and fail with all that it has printed when it finds something wrong."""
    command = [sys.executable, str(SCRIPT), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, (
        f"{' '.join(command)}\n{done.stdout[:4000]}\n…\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
    )
    assert done.stdout.endswith("nothing lost, doubled or left behind\n")


@pytest.mark.slow
def test_some_kills_lose_nothing() -> None:
    """After four kills nothing completed was executed again, and state and journal are as if undisturbed."""
    crash("--kills", "4", "--variants", "fan_out,items,sub_loops", seconds=120)


@pytest.mark.slow
def test_kills_lose_no_calls() -> None:
    """After a dozen kills no recorded request or call was made again, and nothing twice that may be done once."""
    crash("--kills", "12", "--variants", "calls", seconds=230)


@pytest.mark.slow
@pytest.mark.timeout(270)
@pytest.mark.parametrize("storage", ["sqlite", "jsonl"])
def test_many_kills_lose_nothing(storage: str) -> None:
    """The same after a hundred kills over all patterns, with each durable storage, within four minutes."""
    crash("--kills", "100", "--storage", storage, seconds=240)
