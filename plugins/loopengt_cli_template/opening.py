"""Opens the template that a person means: by name, by its folder, or by the address of a git repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.templates import LoopTemplate

__all__ = ["is_address", "open_template"]


def is_address(name: str) -> bool:
    """Whether it is the address of a git repository, and no name."""
    return "://" in name or name.startswith("git+")


def open_template(kernel: Kernel, name: str) -> LoopTemplate:
    """Open a template.

    Args:
        kernel: The project.
        name: A template's name, the path of a folder with a ``/`` in it, or an address such as
            ``git+https://host/repository#folder@ref``.

    Raises:
        LoopengtError: There is none, or it cannot be read.
    """
    from loopengt.errors import UsageError
    from loopengt.templates import find_template, make_template, read_folder

    if is_address(name):
        from loopengt_cli_template.git import fetch_template

        return fetch_template(kernel, name)
    if "/" in name:
        folder = Path(name)
        if not folder.is_dir():
            raise UsageError(f"there is no folder {name}", remedy="See the templates: loopengt template list")
        return make_template(folder.resolve().name, str(folder), read_folder(folder))
    return find_template(kernel, name).open()
