"""The engine: installs loopengt into a tool as its description says, and takes it out again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from loopengt_adapters.editing.edits import HookEdit
from loopengt_adapters.tools.command import own_command
from loopengt_adapters.tools.description import located
from loopengt_adapters.tools.texts import NAMES, render
from loopengt_hookspecs.adapters import Change, ConfigEdit, InstalledFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from loopengt_adapters.tools.description import Tool
    from loopengt_hookspecs.adapters import AdapterStatus, Scope

__all__ = ["HOOK_MARK", "ToolAdapter", "by_file", "clear_folders", "done"]

HOOK_MARK = "adapter stop-gate"
"""By which our hook is known among those of others."""


class ToolAdapter:
    """An adapter that a description makes.

    Args:
        tool: The description.
    """

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    def edits(self, project: Path, scope: Scope) -> list[ConfigEdit]:
        """Return the entries in the tool's own files."""
        server, hook = self.tool.server, self.tool.hook
        places = [located(place, project) for place in server.files[scope]]
        file = next((place for place in places if place.exists()), places[0])
        program, *first = own_command(scope)
        entry: dict[str, Any] = {
            "command": program,
            "args": [*first, *server.arguments.get(scope, ()), "mcp"],
            **server.fields,
        }
        found = [ConfigEdit(file, server.format, server.path, entry)]
        if hook is not None:
            words = own_command("user" if hook.own_file else scope)
            # Exit code 2 holds the agent in most tools; only an answer of ours may do that, never an error.
            command = f"{shlex.join(words)} {HOOK_MARK} --tool {self.tool.name} || exit 0"
            found.append(
                HookEdit(
                    located(hook.files[scope], project),
                    "json",
                    hook.path,
                    _filled(hook.entry, command),
                    HOOK_MARK if hook.is_element else "",
                    hook.root,
                )
            )
        return found

    def files(self, project: Path, scope: Scope) -> list[InstalledFile]:
        """Return the commands or skills."""
        form, place = self.tool.texts.places[scope]
        gate = self.tool.gate if self.tool.hook is not None else ""
        return [
            InstalledFile(
                located(place.replace("NAME", f"loopengt-{name}"), project),
                render(name, form, gate=gate),
            )
            for name in NAMES
        ]

    def install(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Put server, texts and hook in; what is there already, and up to date, is left alone."""
        from loopengt_adapters.tools.installing import install_edits, install_file

        found = done(
            [
                *(partial(install_edits, edits) for edits in by_file(self.edits(project, scope))),
                *(partial(install_file, file) for file in self.files(project, scope)),
            ],
            dry_run=dry_run,
        )
        note = self.tool.notes.get(scope)
        return [*found, Change(note)] if note and any(change.is_made for change in found) else found

    def uninstall(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Take server, texts and hook out; files and folders that we have made go, when they hold nothing else."""
        from loopengt_adapters.tools.installing import uninstall_edits, uninstall_file

        found = done(
            [
                *(partial(uninstall_edits, edits) for edits in by_file(self.edits(project, scope))),
                *(partial(uninstall_file, file) for file in self.files(project, scope)),
            ],
            dry_run=dry_run,
        )
        if not dry_run:
            clear_folders(found, project)
        return found

    def status(self, project: Path, *, scope: Scope) -> AdapterStatus:
        """Say how every part stands."""
        from loopengt_adapters.tools.standing import status_of

        return status_of(self.edits(project, scope), self.files(project, scope))

    def tool_version(self) -> str | None:
        """Ask the tool's program."""
        from loopengt_adapters.tools.versions import version_of

        return version_of(self.tool.programs)


def by_file(edits: Sequence[ConfigEdit]) -> list[list[ConfigEdit]]:
    """Return entries file by file: those of one file come and go together."""
    files: dict[Path, list[ConfigEdit]] = {}
    for edit in edits:
        files.setdefault(edit.file, []).append(edit)
    return [*files.values()]


def done(acts: Sequence[Callable[..., Sequence[Change]]], *, dry_run: bool) -> list[Change]:
    """Do all of it, or nothing when one part cannot be done."""
    from loopengt_adapters.editing.files import locked

    if dry_run:
        return [change for act in acts for change in act(dry_run=True)]
    with locked():
        for act in acts:
            act(dry_run=True)
        return [change for act in acts for change in act(dry_run=False)]


def _filled(entry: Any, command: str) -> Any:
    """Put the command line in its place."""
    if isinstance(entry, Mapping):
        return {key: _filled(each, command) for key, each in entry.items()}
    if isinstance(entry, list):
        return [_filled(each, command) for each in entry]
    return command if entry == "COMMAND" else entry


def clear_folders(changes: Sequence[Change], project: Path) -> None:
    """Remove the folders of files that are gone, as far as they are empty, up to the project's or the home's."""
    from pathlib import Path

    ends = (project, Path.home())
    for file in [change.file for change in changes if change.file is not None and change.is_made]:
        with suppress(OSError):
            for folder in () if file.exists() else file.parents:
                if folder in ends or os.path.ismount(folder):
                    break
                folder.rmdir()
