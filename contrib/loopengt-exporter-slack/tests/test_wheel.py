"""The wheel, as a stranger installs it: in a fresh environment, beside loopengt's own wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
CHECKOUT = HERE.parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program without settings of the person who tests, and return what it prints."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("LOOPENGT_", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_brings_the_plugin(tmp_path: Path) -> None:
    """With both wheels installed ``plugins list`` shows it as loaded, and ``plugins check`` has nothing to mend."""
    for folder in (CHECKOUT, HERE):
        run(
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "-w",
            tmp_path / "dist",
            folder,
            cwd=tmp_path,
        )
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    bin_ = tmp_path / "venv" / "bin"
    run(bin_ / "python", "-m", "pip", "install", "-q", *(tmp_path / "dist").glob("*.whl"), cwd=tmp_path)
    listed = json.loads(run(bin_ / "loopengt", "plugins", "list", "--json", cwd=tmp_path))
    assert {record["status"] for record in listed} == {"loaded"}
    [record] = [record for record in listed if record["distribution"] == "loopengt-exporter-slack"]
    assert record["name"] == "exporter_slack"
    assert record["provides"]["exporters"] == ["slack"]
    assert record["origin"].startswith(str(tmp_path / "venv"))
    assert "Nothing to mend." in run(bin_ / "loopengt", "plugins", "check", "exporter_slack", cwd=tmp_path)
