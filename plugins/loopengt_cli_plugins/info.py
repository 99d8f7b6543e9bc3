"""The command ``loopengt plugins info``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_cli_plugins.finding import find_records
from loopengt_cli_plugins.listing import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel, PluginRecord


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_kernel
def info(kernel: Kernel, name: str, as_json: bool) -> None:
    """Show all that is known of the plugin NAME, its options and a failure's traceback too."""
    records = find_records(kernel, name)
    if as_json:
        click.echo(to_json(records))
        return
    for record in records:
        for label, value in _facts(kernel, record):
            click.echo(f"{label + ':':13} {value}")
        if record.traceback:
            click.echo(f"\n{record.traceback.rstrip()}")


def _facts(kernel: Kernel, record: PluginRecord) -> Iterator[tuple[str, str]]:
    yield "name", record.name
    yield "status", record.status
    for label, value in (("reason", record.reason), ("remedy", record.remedy)):
        if value:
            yield label, value
    if record.distribution:
        yield "distribution", f"{record.distribution} {record.version}"
    yield "origin", record.origin
    if record.status != "loaded":
        return
    yield "import", f"{record.import_seconds * 1e3:.1f} ms"
    yield "hooks", ", ".join(record.hooks) or "none"
    for component in kernel.components:
        if component.plugin == record.name:
            yield component.kind, f"{component.name}: {component.summary}"
    model = kernel.options_model(record.name)
    for option, field in model.model_fields.items() if model else ():
        default = (
            "required" if field.is_required() else f"default {field.get_default(call_default_factory=True)!r}"
        )
        yield "option", f"{option} ({default}): {field.description or 'no description'}"
