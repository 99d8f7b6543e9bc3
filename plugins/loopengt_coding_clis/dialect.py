"""How one coding CLI is spoken to: its programs, arguments, permissions and output, declared in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_coding_clis.report import Report

__all__ = ["Dialect", "Event", "Permission", "Turn"]

Permission: TypeAlias = Literal["read", "edit", "full"]
Event: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a CLI is asked for once."""

    prompt: str
    permissions: Permission
    workspace: Path
    system_prompt: str = ""
    """Of a CLI that takes it apart; else it stands in the prompt."""
    model: str = ""
    session_id: str = ""
    """The session to go on with; empty: a new one."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema of the answer, of a CLI that takes one."""
    schema_file: str = ""
    """The same in a file, of a CLI that takes that."""
    args: tuple[str, ...] = ()
    """Further arguments; they come before the prompt."""
    trust_workspace: bool = False
    add_dirs: tuple[str, ...] = ()
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    max_turns: int | None = None
    max_budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One coding CLI."""

    name: str
    """Name of the provider."""
    programs: tuple[str, ...]
    """The program's names, the usual one first; of the others, which are everyday words, the file behind the name must
    lie in a folder of the first one's name."""
    keys: tuple[str, ...]
    """Variables of our environment that are this CLI's own: keys, and where its settings are."""
    permissions: Mapping[Permission, tuple[str, ...]]
    """The flags of each level; a level that is not here has none, and is refused."""
    arguments: Callable[[Turn], list[str]]
    """Makes the arguments; they hold the prompt only where ``prompt`` says so."""
    read: Callable[[Event, Report], None]
    """Takes one object of the output."""
    prompt: Literal["stdin", "argument"] = "stdin"
    """How the prompt is handed over."""
    takes_system_prompt: bool = False
    schema: Literal["inline", "file", "none"] = "none"
    """Whether it takes a JSON Schema of the answer, and how."""
    strict_schema: bool = False
    """Whether its service takes only schemas that allow no further keys and require every key."""
    reports_cost: bool = False
    cumulative: bool = False
    """Whether the tokens that it reports are those of the whole session."""
    exit_codes: Mapping[int, str] = field(default_factory=dict)
    """Kinds of errors that exit codes of it mean."""
    environment: Callable[[Turn], Mapping[str, str]] = lambda turn: {}
    """Makes variables that say what no flag says."""
