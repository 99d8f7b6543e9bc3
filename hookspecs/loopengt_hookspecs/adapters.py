"""Extension point: IDE adapters, which put loopengt into a person's own tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_hookspecs.registration import Register

__all__ = [
    "Adapter",
    "AdapterState",
    "AdapterStatus",
    "Change",
    "ConfigEdit",
    "InstalledFile",
    "LiveEvents",
    "Scope",
    "loopengt_register_adapters",
]

Scope: TypeAlias = Literal["project", "user"]
"""For everybody who works in the project, or for one person in all projects."""

AdapterState: TypeAlias = Literal["installed", "stale", "broken", "not installed"]


@dataclass(frozen=True, slots=True)
class ConfigEdit:
    """One entry of ours in a file that belongs to the tool; all else in the file stays as it is."""

    file: Path
    format: Literal["json", "toml"]
    """json: also with comments, trailing commas and a byte order mark."""
    path: tuple[str, ...]
    """Keys that lead to the entry; with ``mark``, to the list that it is an element of."""
    value: Mapping[str, Any]
    """The entry. Keys that a person has added to it stay, as long as it is installed."""
    mark: str = ""
    """Text by which our element of a list is known again: the value of one of its texts contains it."""


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file that is wholly ours, such as a command or a skill."""

    path: Path
    text: str
    """Its content, without the line that marks it as ours."""

    @property
    def digest(self) -> str:
        """The first 16 hex digits of the text's SHA-256; in the mark it says whether somebody edited the file."""
        return sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was made, or would be made."""

    sentence: str
    """What it is, for people."""
    file: Path | None = None
    """The file that it is made in; None: nothing is written."""
    before: str | None = None
    """Our part of the file before, never that of others; None: there was none."""
    after: str | None = None
    """Our part afterwards; None: there is none any more."""

    @property
    def is_made(self) -> bool:
        """Whether it changes something; else it only says why not."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """Where an adapter stands in one scope."""

    state: AdapterState
    details: tuple[str, ...] = ()
    """What is stale or broken and what to do, a sentence each."""
    files: tuple[Path, ...] = field(default=())
    """The files that hold something of ours."""


class Adapter(Protocol):
    """Installs loopengt into one tool."""

    def install(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Put loopengt in. Twice is once; what is stale is brought up to date.

        Args:
            project: The project folder.
            scope: For the project or for the person.
            dry_run: Only say what would be done.

        Returns:
            Every change; one that is not made says why.

        Raises:
            ConfigError: A file of the tool is invalid, cannot be written, or changes while it is written.
        """

    def uninstall(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Take out what ``install`` put in; arguments, result and errors are those of ``install``."""

    def status(self, project: Path, *, scope: Scope) -> AdapterStatus:
        """Say whether it is installed, stale or broken. It never raises for what it finds in files."""

    def tool_version(self) -> str | None:
        """Return the version of the tool on this machine; None: it was not found. Takes at most 3 seconds."""


class LiveEvents(Protocol):
    """What an adapter, or anything else, may show of runs while they go on.

    A class that has these methods and derives from ``loopengt.live.LiveObserver`` is an observer: register it with
    ``loopengt_register_observers`` too, and people name it in ``[observers] names``.
    """

    async def on_loop_start(self, event: TraceEvent) -> None:
        """A run begins (``loop.start``) or is taken up again (``loop.resume``)."""

    async def on_step_start(self, event: TraceEvent) -> None:
        """An attempt at a step begins (``step.start``); ``event.attempt`` counts them."""

    async def on_step_complete(self, event: TraceEvent) -> None:
        """A step is done, its gates have passed (``step.complete``)."""

    async def on_loop_complete(self, event: TraceEvent) -> None:
        """A run is at its goal (``loop.complete``) or rests (``loop.pause``): ``data["reason"]`` says which."""

    async def on_error(self, event: TraceEvent) -> None:
        """A step failed (``step.error``), or the run ended short of its goal (``loop.error``)."""


@hookspec
def loopengt_register_adapters(register: Register[Adapter]) -> None:
    """Register IDE adapters.

    Called once when the plugin is loaded. ``loopengt adapter`` lists and uses them.

    Args:
        register: ``register(name, target, summary=…)``; the target is an ``Adapter``.

    Raises:
        PluginError: Another plugin registers an adapter of the same name.

    Since: 0.2
    """
