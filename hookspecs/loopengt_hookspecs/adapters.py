"""Extension point: IDE adapters, which put loopengt into a person's own tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_hookspecs.registration import Register

Scope = Literal["project", "user"]


class Adapter(Protocol):
    """Installs loopengt into one tool and shows it what runs do."""

    def install(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[str]:
        """Put loopengt in and return one sentence for each change made, or that would be made. Twice is once."""

    def uninstall(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[str]:
        """Take out what ``install`` put in and return one sentence for each change."""

    def status(self, project: Path, *, scope: Scope) -> str:
        """Say in one line whether it is installed, stale or broken."""

    async def on_event(self, event: TraceEvent) -> None:
        """Show one event of a run in the tool."""


@hookspec
def loopengt_register_adapters(register: Register[Adapter]) -> None:
    """Register IDE adapters.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the target is an ``Adapter``.

    Raises:
        PluginError: Another plugin registers an adapter of the same name.

    Since: 0.2
    """
