"""What ``template use`` asks a person: values that are missing, and whether files of strangers are wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from loopengt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from loopengt.templates import LoopTemplate
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["ask_missing", "executed_by", "read_given", "want_files"]


def read_given(pairs: Iterable[str]) -> dict[str, str]:
    """Read ``--set name=value``; a value is taken as it is.

    Raises:
        UsageError: One has no name or no ``=``.
    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {pair}: there is no name or no value", remedy="Write --set NAME=VALUE.")
        found[name.strip()] = value.encode(
            "utf-8", "replace"
        ).decode()  # what was no UTF-8 on the command line
    return found


def ask_missing(template: LoopTemplate, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given and, where there is a terminal, what a person answers for the rest that is required."""
    values = dict(given)
    if not _is_terminal():
        return values
    from loopengt.display import visible

    for name in template.missing(given):
        variable = template.about.variables[name]
        choices = f" ({', '.join(map(str, variable.choices))})" if variable.choices else ""
        values[name] = click.prompt(
            visible(variable.question + choices), value_proc=_reading(variable.value_of), err=True
        )
    return values


def want_files(template: LoopTemplate, names: Iterable[str], spec: LoopSpec, *, yes: bool) -> None:
    """Show what a template of somebody else writes and what its loop executes, and ask whether that is wanted.

    Args:
        template: The template.
        names: The files that would be written.
        spec: The loop.
        yes: The person said so beforehand.

    Raises:
        UsageError: There is nobody to ask.
        Abort: They do not want it.
    """
    from loopengt.display import one_line, visible

    lines = [f"From {template.source}", "It writes:", *(f"  {name}" for name in names)]
    executed = list(executed_by(spec))
    lines += (
        ["Run, its loop executes:", *(f"  {one_line(line, 300)}" for line in executed)] if executed else []
    )
    click.echo(visible("\n".join(lines), keep="\n"), err=True)
    if yes:
        return
    if not _is_terminal():
        raise UsageError(
            "nothing was written: there is no terminal to ask on whether these files are wanted",
            remedy="Add --yes.",
        )
    click.confirm("Write these files?", abort=True, err=True)


def executed_by(spec: LoopSpec) -> Iterator[str]:
    """Iterate over what a loop executes on this machine, one line each."""
    import json

    for agent in spec.agents:
        options = {key: value for key, value in agent.config.extra.items() if key != "cost"}
        shown = f" {json.dumps(options, ensure_ascii=False)}" if options else ""
        yield f"agent {agent.name}: {agent.config.provider}{shown}"
    for gate in spec.policy.verification_gates:
        if gate.command:
            yield f"gate {gate.name}: {_command(gate.command)}"
    metric = spec.policy.no_progress.metric
    if metric is not None and metric.command:
        yield f"metric: {_command(metric.command)}"
    for tool in spec.tools:
        yield f"tool {tool.name}: {tool.tool_type} {tool.function_ref or tool.mcp_server or ''}".rstrip()
    for name, server in spec.mcp_servers.items():
        yield f"MCP server {name}: {server.model_dump_json(exclude_defaults=True)}"
    for step in spec.steps:
        if step.loop is not None:
            yield f"step {step.name}: the loop {step.loop}"


def _command(command: list[str] | str) -> str:
    import shlex

    return command if isinstance(command, str) else shlex.join(command)


def _reading(value_of: Any) -> Any:
    def read(text: str) -> Any:
        try:
            return value_of(text)
        except ValueError as exc:
            raise click.UsageError(f"It {exc}") from None

    return read


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
