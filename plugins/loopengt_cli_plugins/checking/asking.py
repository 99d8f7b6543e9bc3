"""Asks a probe about a plugin, in a process of its own: what it imports must not count as imported already."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from loopengt_cli_plugins.checking.findings import ProbedComponent, ProbedPlugin

if TYPE_CHECKING:
    from loopengt_cli_plugins.subjects import Entry, Subject

__all__ = ["ask_probe"]

PATIENCE = 120
"""Seconds after which a plugin that is still being imported counts as hanging."""

SLOW = 0.02
"""Seconds of an import that are measured once more: the first time may have been that of a cold disk."""


def ask_probe(subject: Subject, entry: Entry) -> ProbedPlugin:
    """Probe one plugin of a distribution."""
    first = _ask(subject, entry)
    if first.seconds > SLOW:
        again = _ask(subject, entry)
        first.seconds = min(first.seconds, again.seconds)
    return first


def _ask(subject: Subject, entry: Entry) -> ProbedPlugin:
    failed = ProbedPlugin(entry.name, entry.value)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "loopengt_cli_plugins.checking.probe"],
            input=json.dumps({"name": entry.name, "value": entry.value}),
            env=subject.environ(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        failed.findings.append(f"its import has not come to an end after {PATIENCE} s")
        return failed
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2] or "and said nothing"
        failed.findings.append(f"its import ended the process with exit code {done.returncode}: {last}")
        return failed
    components = [ProbedComponent(**component) for component in told.pop("components")]
    return ProbedPlugin(**told, components=components)
