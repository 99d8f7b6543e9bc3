"""What an engine can do for archives and for tidying up, if it keeps workspaces at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from loopengt.archive.exporting import Folder
    from loopengt_hookspecs.engines import Engine

__all__ = ["ClearsLeftovers", "KeepsWorkspaces", "Leftover", "archiving_engine"]


@runtime_checkable
class KeepsWorkspaces(Protocol):
    """The methods of an engine whose runs can be exported and imported with their files. They block."""

    def workspace_files(
        self, record: dict[str, Any]
    ) -> AbstractContextManager[tuple[Folder | None, Folder | None]]:
        """Yield the files of a run's workspace, now and at the start; None for what is not known.

        Args:
            record: What the run's journal keeps of its workspace.
        """

    def import_workspace(
        self,
        run_id: str,
        write_start: Callable[[Path], None] | None,
        write_now: Callable[[Path], None],
    ) -> dict[str, Any]:
        """Make a workspace and return what the journal keeps of it, its ``path`` among it.

        Args:
            run_id: The run.
            write_start: Writes the files that the run began with into an empty folder; None: they are not known.
            write_now: Writes those of now.
        """

    def discard_workspace(self, run_id: str) -> None:
        """Remove the workspace of a run whose lease is held, with its branch; nothing when there is none.

        Raises:
            LoopengtError: Files cannot be removed; it can be tried again.
        """


class Leftover(Protocol):
    """Something that a run has left on disk."""

    @property
    def run_id(self) -> str:
        """The run."""

    @property
    def what(self) -> str:
        """A few words for a person: ``workspace without a run`` and the like."""

    @property
    def path(self) -> Path:
        """Where it is, or was."""


@runtime_checkable
class ClearsLeftovers(Protocol):
    """The methods of an engine that finds what crashes have left of workspaces."""

    async def leftovers(self, known_run_ids: Collection[str]) -> Sequence[Leftover]:
        """Return what belongs to no run that could go on or be looked at.

        Args:
            known_run_ids: All runs of the project.
        """

    async def remove_leftovers(self, leftovers: Iterable[Any]) -> None:
        """Remove what ``leftovers`` has found.

        Raises:
            LoopengtError: Files cannot be removed.
        """


def archiving_engine(engine: Engine) -> KeepsWorkspaces:
    """Return an engine as one that keeps workspaces.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(engine, KeepsWorkspaces):
        raise UsageError(
            f"the engine {type(engine).__name__} knows no workspaces",
            remedy="Leave the files alone with --no-workspace or --keep-workspace, or use the engine `local`.",
        )
    return engine
