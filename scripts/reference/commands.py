"""The page of commands: what each takes, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click

from loopengt import Kernel
from loopengt.cli import cli
from reference.markdown import cell, code, head, prose, table

__all__ = ["commands_page"]

_INTRODUCTION = """
Options of `loopengt` itself stand before the command: `loopengt -C DIR run loop.yaml`. `RUN` is the id of a run, a
prefix of it, or `latest`. What exit codes mean: [exit codes](exit-codes.md). Plugins may add commands;
`loopengt --help` has all.
"""


def commands_page(kernel: Kernel) -> str:
    """Return the page."""
    root = click.Context(cli, info_name="loopengt", obj=kernel)
    return "\n".join([head("Commands", _INTRODUCTION), *_sections(cli, root)])


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"{'##' if context.parent is None or context.parent.parent is None else '###'} {context.command_path}\n"
    yield code(f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}") + "\n"
    for paragraph in inspect.cleandoc(command.help or "").replace("\f", "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield "\n".join(f"- {prose(line.strip())}" for line in paragraph.splitlines()[1:]) + "\n"
        elif paragraph:
            yield prose(" ".join(paragraph.split())) + "\n"
    records = [_record(option, context) for option in command.get_params(context)]
    rows = [record for record in records if record and "--help" not in record[0] and record[1]]
    if rows:
        yield table(("option", "meaning"), rows)
    for name, below in _below(command, context):
        yield from _sections(below, click.Context(below, info_name=name, parent=context))


def _record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record: Any = option.get_help_record(context)
    return (code(record[0]), cell(record[1])) if record else None


def _below(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield name, below
