"""Temporary folders: whose they are is known as long as anything is in them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from loopengt.temporary import forsaken_folders, remove_forsaken

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KILLED_WHILE_EMPTYING = """
import os, pathlib, sys
from loopengt import temporary
with temporary.temporary_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "prompt.txt").write_text("secret plans")
    (folder / "zz").mkdir()
    temporary.os.unlink = lambda path: os._exit(9)
"""


def test_a_folder_is_known_also_when_its_maker_dies_while_emptying_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed in the midst of removing its temporary folder leaves one that prune finds."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    project = tmp_path / "project"
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_EMPTYING, str(project)], check=False)
    assert done.returncode == 9
    [left] = forsaken_folders(project)
    assert (left / "prompt.txt").exists()
    remove_forsaken(left)
    assert forsaken_folders(project) == []
    assert not left.exists()
