"""The command ``loopengt schema``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, and nothing to standard output.",
)
@pass_kernel
def schema(kernel: Kernel, output: Path | None) -> None:
    """Print the JSON Schema of loop.yaml, with what the plugins add to it."""
    text = schema_text(kernel)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        from loopengt import UsageError

        raise UsageError(
            f"{output} cannot be written: {error.strerror}", remedy="name a file in a folder that exists"
        ) from error


def schema_text(kernel: Kernel) -> str:
    """Return the schema as the text of a file."""
    import json

    return json.dumps(kernel.spec_schema(), indent=2, ensure_ascii=False) + "\n"
