"""Runs the official conformance suite, and reads what it found."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_conformance.cache import Cache
    from mcp_conformance.servers import Server

__all__ = ["GENERIC", "REVISIONS", "Expected", "Outcome", "expected", "run_generic", "run_required"]

REVISIONS = ("2025-11-25", "2026-07-28")
GENERIC = {
    "2025-11-25": (
        "server-initialize",
        "server-session-lifecycle",
        "ping",
        "completion-complete",
        "tools-list",
        "server-sse-multiple-streams",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
    ),
    "2026-07-28": (
        "server-stateless",
        "completion-complete",
        "tools-list",
        "server-sse-multiple-streams",
        "resources-list",
        "sep-2164-resource-not-found",
        "prompts-list",
        "dns-rebinding-protection",
        "caching",
        "http-header-validation",
        "input-required-result-unsupported-methods",
    ),
}
"""Scenarios that ask for nothing by name, by revision."""

_HERE = Path(__file__).parent
_NOTHING = "nothing-was-checked"
_SCENARIO_SECONDS = 90
_ALL_SECONDS = 400
_RESULT = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True)
class Expected:
    """A check that is known to fail."""

    server: str
    revision: str
    scenario: str
    check: str
    reason: str


@dataclass
class Outcome:
    """What came of one scenario."""

    server: str
    revision: str
    scenario: str
    passed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """Failed checks, with the reasons that the suite gives."""
    skipped: bool = False
    """The suite itself looks at nothing here."""

    def unexpected(self, known: Sequence[Expected]) -> list[str]:
        """Return a line for each failure that is not expected, and for each expected one that does not come."""
        mine = {
            entry.check: entry
            for entry in known
            if (entry.server, entry.revision, entry.scenario) == (self.server, self.revision, self.scenario)
        }
        place = f"{self.server}, {self.revision}, {self.scenario}"
        lines = [f"{place}: {check}: {why}" for check, why in self.failures.items() if check not in mine]
        lines += [
            f"{place}: {check} passes now; take it out of expected.toml"
            for check in mine.keys() - self.failures
        ]
        return lines


def expected() -> list[Expected]:
    """Read the checks that are known to fail."""
    data = tomllib.loads((_HERE / "expected.toml").read_text())
    return [Expected(**entry) for entry in data.get("expected", [])]


def run_generic(cache: Cache, name: str, server: Server, revision: str) -> list[Outcome]:
    """Run the scenarios that ask for nothing by name."""
    found = []
    for scenario in GENERIC[revision]:
        options = ["--scenario", scenario, "--spec-version", revision]
        found += _run(cache, name, server, revision, options, _SCENARIO_SECONDS)
    missing = set(GENERIC[revision]) - {outcome.scenario for outcome in found}
    nothing = {_NOTHING: "the suite says nothing of it"}
    return found + [Outcome(name, revision, scenario, failures=nothing) for scenario in sorted(missing)]


def run_required(cache: Cache, name: str, server: Server, revision: str) -> list[Outcome]:
    """Run every scenario that the suite has for a revision, those of extensions too."""
    return _run(cache, name, server, revision, ["--requirements", revision], _ALL_SECONDS)


def _run(
    cache: Cache, name: str, server: Server, revision: str, options: list[str], seconds: int
) -> list[Outcome]:
    environ = os.environ | {
        "MCP_PEER_URL": server.url,
        "MCP_PEER_TOKEN": server.token,
        "NODE_OPTIONS": f"--import={(_HERE / 'bearer.mjs').as_uri()}",
    }
    with TemporaryDirectory() as folder:
        argv = [*cache.program("conformance"), "server", "--url", server.url, *options, "-o", folder]
        done = subprocess.run(
            argv, env=environ, capture_output=True, text=True, timeout=seconds, check=False, cwd=folder
        )
        found = [_read(name, revision, file) for file in sorted(Path(folder).glob("*/checks.json"))]
    if not found:
        raise RuntimeError(f"the suite says nothing:\n{(done.stdout + done.stderr)[-2000:]}")
    return found


def _read(name: str, revision: str, file: Path) -> Outcome:
    matched = _RESULT.fullmatch(file.parent.name)
    assert matched is not None, file.parent.name
    outcome = Outcome(name, revision, matched[1])
    checks = json.loads(file.read_text())
    for check in checks:
        if check["status"] == "SUCCESS":
            outcome.passed += 1
        elif check["status"] == "FAILURE":
            outcome.failures[check["id"]] = _why(check)
    outcome.skipped = bool(checks) and all(check["status"] == "SKIPPED" for check in checks)
    if not outcome.passed and not outcome.failures and not outcome.skipped:
        outcome.failures[_NOTHING] = "; ".join(_why(check) for check in checks if "errorMessage" in check)
    return outcome


def _why(check: dict[str, str]) -> str:
    return check.get("errorMessage") or "no reason is given"
