"""What the commands of ``loopengt adapter`` share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.adapters import Adapter

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["as_json", "echo_json", "find_adapter", "scope_option"]


def as_json(command: F) -> F:
    """Let a command take ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def scope_option(command: F) -> F:
    """Let a command take ``--scope``; None: it was not given."""
    return click.option(
        "--scope",
        type=click.Choice(["project", "user"]),
        help="project: for all who work in it; user: for you, in all projects.",
    )(command)


def find_adapter(kernel: Kernel, name: str) -> Adapter:
    """Return an adapter.

    Raises:
        UsageError: There is none of that name; the message names the nearest.
    """
    from loopengt import UsageError
    from loopengt.naming import hint

    known = kernel.names("adapters")
    if name not in known:
        raise UsageError(f"there is no adapter {name!r}{hint(name, known)}", remedy="loopengt adapter list")
    adapter: Adapter = kernel.get("adapters", name)
    return adapter


def echo_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
