"""What the tests of ``design`` and ``graph`` share: keyless calls, and a reader of Mermaid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from ..conftest import Site

ALONE = {
    "PATH": "/usr/bin:/bin",
    "ANTHROPIC_API_KEY": "",
    "OPENAI_API_KEY": "",
    "GEMINI_API_KEY": "",
    "GOOGLE_API_KEY": "",
    "OPENROUTER_API_KEY": "",
}
"""An environment with no coding CLI and no key."""

_NODE = re.compile(r'(n\d+)(?:\(\["(.*)"\]\)|\["(.*)"\]|\{\{"(.*)"\}\}|>"(.*)"\])')
_EDGE = re.compile(r'(n\d+) (-->|-\.->|-\.-)(?:\|"([^"|]*)"\|)? (n\d+)')
_TEXT = re.compile(r"(?:[^\W]|[ _,:/=.'-]|#\d+;|<br/>)*")


def alone(site: Site, *args: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``loopengt`` where nobody could do any work."""
    return site.run(*args, cwd=cwd, **ALONE | environ)


def read_mermaid(text: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Return labels by node, and edges as (source, target, label); what else stands there fails the test."""
    first, *lines = text.rstrip("\n").split("\n")
    assert first == "flowchart TD"
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str, str]] = []
    depth = 0
    for line in map(str.strip, lines):
        if found := _NODE.fullmatch(line):
            assert found[1] not in nodes
            nodes[found[1]] = _label(next(part for part in found.groups()[1:] if part is not None))
        elif found := _EDGE.fullmatch(line):
            edges.append((found[1], found[4], _label(found[3] or "")))
        elif found := re.fullmatch(r'subgraph (b\d+)\["(.*)"\]', line):
            _label(found[2])
            depth += 1
        elif line == "end":
            depth -= 1
            assert depth >= 0
        else:
            assert re.fullmatch(r"direction TB|classDef \w+ [\w:#,]+|class n\d+(,n\d+)* \w+", line), line
    assert depth == 0
    assert all(source in nodes and target in nodes for source, target, _ in edges)
    return nodes, edges


def _label(text: str) -> str:
    assert _TEXT.fullmatch(text), text
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.replace("<br/>", "\n"))
