"""Runs an installer, and tells what became of the plugins."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click

from loopengt.display import visible
from loopengt.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt import Kernel
    from loopengt_cli_plugins.installing.environment import Installer

__all__ = ["Plugins", "list_plugins_anew", "run_installer", "tell_difference"]

Plugins = dict[tuple[str, str], dict[str, Any]]
"""What is known of each plugin, by distribution and name."""

TAIL = 12
"""Last lines of what a failed installer says that are shown."""

CAUSES = (
    (
        ("name resolution", "failed to establish a new connection", "connection refused", "dns error", "max retries",
         "connection error", "could not connect", "network is unreachable", "tcp connect error"),
        "the package index cannot be reached",
        "connect to a network, or install from a folder of wheels: … -- --no-index --find-links DIR",
    ),
    (
        ("no matching distribution found", "was not found in the", "no versions of", "not found in the package"),
        "there is no such distribution, or none for this Python",
        "look up its name and the versions of Python that it is for, and see whether the index can be reached",
    ),
    (
        ("conflicting dependencies", "resolutionimpossible", "no solution found", "unsatisfiable"),
        "its requirements do not go together with what is asked for",
        "see below which of them",
    ),
    (
        ("permission denied", "read-only file system"),
        "the environment cannot be written",
        "use an environment of your own, such as a virtual one",
    ),
    (("no space left",), "the disk is full", "make room"),
)  # fmt: skip
"""What installers say, what it means, and what to do; the first that fits counts."""


def list_plugins_anew(kernel: Kernel) -> Plugins:
    """Return the plugins as a program that is started now finds them; this one may hold on to older modules.

    Raises:
        PluginError: loopengt cannot be started any more.
    """
    command = [sys.executable, "-P", "-m", "loopengt", "-C", str(kernel.project), "-p", "cli_plugins"]
    done = subprocess.run(
        [*command, "plugins", "list", "--json"],
        env=dict(kernel.environ),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    try:
        records: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        raise PluginError(
            f"loopengt cannot be started any more: {last}", remedy="undo the change, or install loopengt anew"
        ) from None
    return {(record["distribution"], record["name"]): record for record in records}


def run_installer(installer: Installer, command: Sequence[str], what: str) -> None:
    """Run it, and let it speak only when it fails.

    Args:
        installer: Which one.
        command: The whole command.
        what: What it does, such as ``install loopengt-otel``.

    Raises:
        PluginError: It failed; the message says why as far as its words tell.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as exc:
        raise PluginError(f"{command[0]} cannot be started: {exc.strerror}") from exc
    if done.returncode == 0:
        return
    said = f"{done.stdout}\n{done.stderr}"
    lower = said.lower()
    cause, remedy = next(
        ((cause, remedy) for signs, cause, remedy in CAUSES if any(sign in lower for sign in signs)), ("", "")
    )
    lines = [line for line in (done.stderr.strip() or done.stdout.strip()).splitlines() if line.strip()]
    click.echo("\n".join(f"  {visible(line)}" for line in lines[-TAIL:]), err=True)
    message = f"{installer.name} could not {what} (exit code {done.returncode})"
    raise PluginError(f"{message}: {cause}" if cause else message, remedy=remedy)


def tell_difference(before: Mapping[tuple[str, str], Any], after: Mapping[tuple[str, str], Any]) -> list[str]:
    """Print which plugins came, went or changed, or that none did; return the names of those that are broken now."""
    broken = []
    was, now = ({key: _facts(record) for key, record in plugins.items()} for plugins in (before, after))
    if was == now:
        click.echo("The plugins are as they were before.")
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if new is None:
            click.echo(f"- {key[1]} ({_source(before[key])})")
        elif was.get(key) != now[key]:
            click.echo(f"{'+' if old is None else '~'} {new['name']} ({_source(new)}): {_said(new)}")
            if new["status"] == "failed":
                broken.append(new["name"])
                if new["remedy"]:
                    click.echo(f"  {new['remedy']}")
    return broken


def _facts(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(record[key] for key in ("version", "status", "reason", "provides", "origin"))


def _source(record: Mapping[str, Any]) -> str:
    return f"{record['distribution']} {record['version']}".strip() or str(record["origin"])


def _said(record: Mapping[str, Any]) -> str:
    if record["status"] != "loaded":
        return f"{record['status']}: {record['reason']}"
    provides = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in record["provides"].items())
    return provides or "registers nothing"
