"""The command ``loopengt plugins info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_cli_plugins.finding import find_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Component, Kernel, PluginRecord

WITH_OPTIONS = frozenset({"agents", "judges", "tools"})
"""Kinds whose components say in ``options`` what a declaration can tell them."""


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_kernel
def info(kernel: Kernel, name: str, as_json: bool) -> None:
    """Show all that is known of the plugin NAME, its options and a failure's traceback too."""
    records = find_records(kernel, name)
    if as_json:
        click.echo(_as_json(kernel, records))
        return
    for place, record in enumerate(records):
        if place:
            click.echo()
        for label, value in _facts(kernel, record):
            click.echo(f"{f'{label}:' if label else '':13} {value}")
        if record.traceback:
            click.echo(f"\n{record.traceback.rstrip()}")


def _facts(kernel: Kernel, record: PluginRecord) -> Iterator[tuple[str, str]]:
    from loopengt_cli_plugins.distributions import docs_link
    from loopengt_cli_plugins.options import model_options

    yield "name", record.name
    yield "status", record.status
    for label, value in (("reason", record.reason), ("remedy", record.remedy)):
        if value:
            yield label, value
    if record.distribution:
        yield "distribution", f"{record.distribution} {record.version}"
    yield "origin", record.origin
    link = docs_link(record.distribution) if record.distribution else ""
    if link:
        yield "docs", link
    if record.status != "loaded":
        return
    yield "import", f"{record.import_seconds * 1e3:.1f} ms"
    yield "hooks", ", ".join(record.hooks) or "none"
    for deprecation in record.deprecations:
        yield "deprecated", deprecation
    for component in _components(kernel, record):
        yield component.kind, f"{component.name}: {component.summary}"
        options, problem = _options(kernel, component)
        for option in options:
            yield "", f"  {option}"
        if problem:
            yield "", f"  its options are not known: {problem}"
    for option in model_options(kernel.options_model(record.name)):
        yield "option", str(option)


def _components(kernel: Kernel, record: PluginRecord) -> list[Component]:
    """Those of a plugin; of two with one name only the loaded one has any."""
    return [item for item in kernel.components if record.status == "loaded" and item.plugin == record.name]


def _options(kernel: Kernel, component: Component) -> tuple[list[Any], str]:
    from loopengt.errors import LoopengtError
    from loopengt_cli_plugins.options import component_options

    if component.kind not in WITH_OPTIONS:
        return [], ""
    try:
        return component_options(kernel, component), ""
    except LoopengtError as exc:
        return [], exc.message


def _as_json(kernel: Kernel, records: list[PluginRecord]) -> str:
    import dataclasses
    import json

    from loopengt_cli_plugins.distributions import docs_link
    from loopengt_cli_plugins.options import model_options

    found = []
    for record in records:
        facts = dataclasses.asdict(record)
        facts["docs"] = docs_link(record.distribution) if record.distribution else ""
        facts["components"] = []
        for component in _components(kernel, record):
            options = [dataclasses.asdict(option) for option in _options(kernel, component)[0]]
            facts["components"].append(
                {
                    "kind": component.kind,
                    "name": component.name,
                    "summary": component.summary,
                    "options": options,
                }
            )
        model = kernel.options_model(record.name) if record.status == "loaded" else None
        facts["options"] = [dataclasses.asdict(option) for option in model_options(model)]
        found.append(facts)
    return json.dumps(found, indent=2)
