"""The plugin as a person uses it: installed, named in config.toml, and on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .receivers import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from .receivers import HttpReceiver

LOOP = """
name: demo
goal: Say hello.
agents:
  - name: worker
    config: {provider: command, extra: {command: "echo hello $OTEL_DEMO_TOKEN"}}
steps:
  - {name: greet, agent: worker}
"""
TOKEN = "token-0123456789abcdef"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a loop."""
    (tmp_path / ".loopengt").mkdir()
    (tmp_path / "loop.yaml").write_text(LOOP)
    return tmp_path


def loopengt(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command, in an environment with a secret."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LOOPENGT_", "OTEL_"))}
    environ = own | {"OTEL_DEMO_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1"}
    argv = [sys.executable, "-m", "loopengt", *args]
    return subprocess.run(argv, cwd=project, env=environ, capture_output=True, text=True, timeout=60)


def configure(project: Path, endpoint: str, *, observed: bool, down: bool = False) -> None:
    """Write config.toml."""
    names = '[observers]\nnames = ["otel"]\n' if observed else ""
    text = f'{names}[plugins.otel]\nendpoint = "{endpoint}"\ncontent = true\n'
    text += "timeout_seconds = 0.5\nflush_seconds = 0.2\n" if down else ""
    (project / ".loopengt" / "config.toml").write_text(text)


@pytest.mark.parametrize("observed", [False, True], ids=["export", "live"])
def test_a_run_is_sent(project: Path, http: HttpReceiver, observed: bool) -> None:
    """``loopengt run`` with the observer, or ``loopengt export`` after it, sends the tree, without secrets."""
    configure(project, http.url, observed=observed)
    ran = loopengt(project, "run", "loop.yaml", "--in-place", "--quiet")
    assert ran.returncode == 0, ran.stderr
    if not observed:
        assert not http.requests
        sent = loopengt(project, "export", "latest", "--to", "otel")
        assert sent.returncode == 0, sent.stderr
        assert "Sent 3 spans" in sent.stdout + sent.stderr

    assert http.tree() == ["invoke_workflow demo", "  step greet", "    invoke_agent worker"]
    everything = b"".join(batch.SerializeToString() for batch in http.batches)
    assert b"hello" in everything
    assert TOKEN.encode() not in everything


def test_a_receiver_that_is_down_is_told(project: Path) -> None:
    """``loopengt export`` fails with fact and remedy, and no traceback; the run itself did not mind."""
    configure(project, f"http://127.0.0.1:{free_port()}", observed=True, down=True)
    ran = loopengt(project, "run", "loop.yaml", "--in-place", "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert "not all spans have reached the receiver" in ran.stderr
    sent = loopengt(project, "export", "latest", "--to", "otel")

    assert sent.returncode == 1
    assert "nobody listens at" in sent.stderr
    assert "Start the receiver" in sent.stderr
    assert "Traceback" not in ran.stderr + sent.stderr


def test_it_is_listed_and_cheap(project: Path) -> None:
    """The plugin is found by its entry point, and naming its components imports nothing heavy."""
    listed = loopengt(project, "plugins", "list")
    assert "otel" in listed.stdout
    code = (
        "import sys, loopengt_otel.plugin\n"
        "heavy = {'grpc', 'google', 'opentelemetry', 'pydantic', 'asyncio', 'structlog'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
