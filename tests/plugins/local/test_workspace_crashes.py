"""A process that is killed while it makes, merges or discards a workspace leaves nothing that stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("workspace_crash.py")
KINDS = ("worktree", "copy")
ACTIONS = ("make", "merge", "discard")


def kill_at_points(folder: Path, action: str, kind: str, stride: int) -> int:
    """Kill the action at every n-th point, and return how many were tried."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), action, kind, str(stride)],
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_kill_at_some_points_is_mended(tmp_path: Path, action: str, kind: str) -> None:
    """The project is as it was or as it was to be, and a second try or a clearing up finishes the work."""
    assert kill_at_points(tmp_path, action, kind, 13) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_kill_at_every_point_is_mended(tmp_path: Path, action: str, kind: str) -> None:
    """As above, with no point left out."""
    assert kill_at_points(tmp_path, action, kind, 1) >= 15
