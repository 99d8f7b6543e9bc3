"""The adapter for a plain terminal: completion of commands and options in the person's shell."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt import __version__
from loopengt_hookspecs.adapters import AdapterStatus, Change, InstalledFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.adapters import Scope

__all__ = ["TERMINAL", "TerminalAdapter"]

_ZSH = 'For zsh, add to ~/.zshrc: eval "$(_LOOPENGT_COMPLETE=zsh_source loopengt)"'
_NOT_HERE = "A terminal has nothing to install for a project: use --scope user."


class TerminalAdapter:
    """Installs completion for bash and fish, which load it when ``loopengt`` is first typed."""

    def files(self) -> list[InstalledFile]:
        """Return the completion files."""
        home = Path.home()
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return [
            InstalledFile(
                data / "bash-completion" / "completions" / "loopengt",
                'eval "$(_LOOPENGT_COMPLETE=bash_source loopengt)"',
            ),
            InstalledFile(
                config / "fish" / "completions" / "loopengt.fish",
                "_LOOPENGT_COMPLETE=fish_source loopengt | source",
            ),
        ]

    def install(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Write the completion files."""
        from loopengt_adapters.tools.adapter import done
        from loopengt_adapters.tools.installing import install_file

        if scope == "project":
            return [Change(_NOT_HERE)]
        return [*done([partial(install_file, file) for file in self.files()], dry_run=dry_run), Change(_ZSH)]

    def uninstall(self, project: Path, *, scope: Scope, dry_run: bool = False) -> Sequence[Change]:
        """Remove the completion files."""
        from loopengt_adapters.tools.adapter import clear_folders, done
        from loopengt_adapters.tools.installing import uninstall_file

        if scope == "project":
            return [Change(_NOT_HERE)]
        found = done([partial(uninstall_file, file) for file in self.files()], dry_run=dry_run)
        if not dry_run:
            clear_folders(found, project)
        return found

    def status(self, project: Path, *, scope: Scope) -> AdapterStatus:
        """Say how the files stand."""
        from loopengt_adapters.tools.standing import status_of

        return status_of([], self.files() if scope == "user" else [])

    def tool_version(self) -> str:
        """Return the version of loopengt itself, which is all that a terminal needs."""
        return __version__


TERMINAL = TerminalAdapter()
