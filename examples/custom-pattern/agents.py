"""The agent of this loop: tries one version."""

from __future__ import annotations

import json
from pathlib import Path

from loopengt_hookspecs.agents import AgentRequest


def probe(request: AgentRequest) -> dict[str, object]:
    """Say whether the version that the prompt names divides by three as it should."""
    versions = json.loads(Path(request.workspace, "versions.json").read_text(encoding="utf-8"))
    return {"version": request.prompt, "good": versions[request.prompt] == 9 // 3}
