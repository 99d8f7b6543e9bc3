"""Describes where a tool looks for servers, texts and hooks, as data."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from loopengt_hookspecs.adapters import Scope

__all__ = ["Form", "Hook", "Server", "Texts", "Tool", "located"]

Form: TypeAlias = Literal["skill", "command", "workflow", "prompt", "gemini"]


@dataclass(frozen=True, slots=True)
class Server:
    """How the tool is told of an MCP server.

    Paths begin with ``~/`` for the home folder, ``$NAME/`` for a folder of ``FOLDERS``, else with nothing for the
    project. Of several the first that exists is taken, else the first.
    """

    files: Mapping[Scope, tuple[str, ...]]
    path: tuple[str, ...]
    format: Literal["json", "toml"] = "json"
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the entry."""
    arguments: Mapping[Scope, tuple[str, ...]] = field(default_factory=dict)
    """Arguments of ``loopengt`` before ``mcp``."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Where the tool looks for commands or skills, by scope; ``NAME`` stands for the text's name."""

    places: Mapping[Scope, tuple[Form, str]]


@dataclass(frozen=True, slots=True)
class Hook:
    """How the tool is told of what it calls when the agent ends its turn."""

    files: Mapping[Scope, str]
    path: tuple[str, ...]
    entry: Mapping[str, Any]
    """What is put there; ``COMMAND`` stands for the command line."""
    is_element: bool = True
    """Whether the entry is an element of the list at ``path``, and not what stands there itself."""
    root: Mapping[str, Any] = field(default_factory=dict)
    """Keys that the tool wants at the top of the file."""
    own_file: bool = False
    """Whether the file of the project, too, is one person's own, and not shared through git."""


@dataclass(frozen=True, slots=True)
class Tool:
    """All that the engine needs to know."""

    name: str
    title: str
    programs: tuple[str, ...]
    """Programs that tell the tool's version, the likeliest first."""
    server: Server
    texts: Texts
    hook: Hook | None = None
    gate: str = "stop-gate"
    """The text that tells the agent how a session of the tool is bound to a run."""
    notes: Mapping[Scope, str] = field(default_factory=dict)
    """What a person has to know or do after ``install``."""


def _claude() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")


def _claude_json() -> Path:
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home())


def _codex() -> Path:
    return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")


def _vscode() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Code" / "User"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "Code" / "User"


FOLDERS = {"CLAUDE": _claude, "CLAUDE_JSON": _claude_json, "CODEX": _codex, "VSCODE": _vscode}
"""Folders that an environment variable or the system decides."""


def located(place: str, project: Path) -> Path:
    """Return the path that a place of a description stands for."""
    if place.startswith("~/"):
        return Path.home() / place[2:]
    if place.startswith("$"):
        name, _, rest = place[1:].partition("/")
        return FOLDERS[name]() / rest
    return project / place
