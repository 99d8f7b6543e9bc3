"""The command ``loopengt template list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["list_"]


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_kernel
def list_(kernel: Kernel, as_json: bool) -> None:
    """List the templates: those of the project, then the user's, then those of plugins."""
    from loopengt.display import one_line, visible
    from loopengt.templates import find_templates

    found = find_templates(kernel)
    if as_json:
        rows = [
            {"name": each.name, "source": each.source, "summary": each.summary, "hides": list(each.hides)}
            for each in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    name_width = max((len(each.name) for each in found), default=0)
    source_width = max((len(each.source) for each in found), default=0)
    for each in found:
        hides = f" (hides that of {', '.join(each.hides)})" if each.hides else ""
        summary = visible(one_line(each.summary + hides))
        click.echo(f"{each.name:{name_width}}  {each.source:{source_width}}  {summary}".rstrip())
