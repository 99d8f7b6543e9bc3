"""The engine: installs loopengt into a tool as its description says, and takes it out again."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from loopengt_adapters.tools.command import own_command
from loopengt_adapters.tools.description import located
from loopengt_adapters.tools.texts import NAMES, render
from loopengt_hookspecs.adapters import Change, ConfigEdit, InstalledFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from loopengt_adapters.tools.description import Tool
    from loopengt_hookspecs.adapters import AdapterStatus, Scope

__all__ = ["HOOK_MARK", "ToolAdapter", "clear_folders", "done"]

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
        program, *words = own_command(scope)
        entry: dict[str, Any] = {
            "command": program,
            "args": [*words, *server.arguments.get(scope, ()), "mcp"],
            **server.fields,
        }
        found = [ConfigEdit(file, server.format, server.path, entry)]
        if hook is not None:
            # The file is one person's own, whatever the scope.
            command = f"{shlex.join(own_command('user'))} {HOOK_MARK}"
            run = {"hooks": [{"type": "command", "command": command, "timeout": 30}]}
            found.append(ConfigEdit(located(hook.files[scope], project), "json", hook.path, run, HOOK_MARK))
        return found

    def files(self, project: Path, scope: Scope) -> list[InstalledFile]:
        """Return the commands or skills."""
        form, place = self.tool.texts.places[scope]
        with_hook = self.tool.hook is not None
        return [
            InstalledFile(
                located(place.replace("NAME", f"loopengt-{name}"), project),
                render(name, form, with_hook=with_hook),
            )
            for name in NAMES
        ]

    def install(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Put server, texts and hook in; what is there already, and up to date, is left alone."""
        from loopengt_adapters.tools.installing import install_edit, install_file

        found = done(
            [
                *(partial(install_edit, edit) for edit in self.edits(project, scope)),
                *(partial(install_file, file) for file in self.files(project, scope)),
            ],
            dry_run=dry_run,
        )
        note = self.tool.notes.get(scope)
        return [*found, Change(note)] if note and any(change.is_made for change in found) else found

    def uninstall(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Take server, texts and hook out; files and folders that we have made go, when they hold nothing else."""
        from loopengt_adapters.tools.installing import uninstall_edit, uninstall_file

        found = done(
            [
                *(partial(uninstall_edit, edit) for edit in self.edits(project, scope)),
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


def done(acts: Sequence[Callable[..., Change]], *, dry_run: bool) -> list[Change]:
    """Do all of it, or nothing when one part cannot be done."""
    from loopengt_adapters.editing.files import locked

    if dry_run:
        return [act(dry_run=True) for act in acts]
    with locked():
        for act in acts:
            act(dry_run=True)
        return [act(dry_run=False) for act in acts]


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
