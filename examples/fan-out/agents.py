"""The agents of this loop: plain functions over the files in docs/, each quick enough to run anywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from loopengt_hookspecs.agents import AgentRequest

LINK = re.compile(r"\]\(([^)#:]+)\)")


def pages(request: AgentRequest) -> list[str]:
    """List the pages."""
    return sorted(path.name for path in Path(request.workspace, "docs").glob("*.md"))


def words(request: AgentRequest) -> dict[str, Any]:
    """Count the words of the page that the prompt names."""
    return {"page": request.prompt, "words": len(page(request).read_text(encoding="utf-8").split())}


def links(request: AgentRequest) -> dict[str, Any]:
    """Find the links of the page that lead nowhere."""
    found = LINK.findall(page(request).read_text(encoding="utf-8"))
    return {
        "page": request.prompt,
        "dead": [name for name in found if not page(request).with_name(name).exists()],
    }


def report(request: AgentRequest) -> dict[str, Any]:
    """Put it all together; the prompt holds both lists as JSON, one a line."""
    counted, linked = (json.loads(line) for line in request.prompt.strip().splitlines())
    dead = {entry["page"]: entry["dead"] for entry in linked}
    return {
        "pages": [f"{entry['page']}: {entry['words']} words" for entry in counted],
        "dead": sorted({name for names in dead.values() for name in names}),
    }


def outline(request: AgentRequest) -> str:
    """Write a first line for each page that a link leads to and that is not there."""
    names = json.loads(request.prompt)
    for name in names:
        Path(request.workspace, "docs", name).write_text(f"# {name.removesuffix('.md').title()}\n")
    return f"begun: {', '.join(names)}"


def page(request: AgentRequest) -> Path:
    """Return the file of the page that the prompt names."""
    return Path(request.workspace, "docs", request.prompt)
