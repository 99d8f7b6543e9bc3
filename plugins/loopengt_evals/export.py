"""The command ``loopengt eval export``: suites and results for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["export"]


@click.command("export", no_args_is_help=True)
@click.argument("name", metavar="SUITE|EVALUATION")
@click.option("--to", "form", required=True, type=click.Choice(("pydantic-evals", "promptfoo", "inspect")),
              help="For which tool.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to; without it, to stdout.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--all-notes", is_flag=True, help="Name every place where something was left out.")
@pass_kernel
def export(kernel: Kernel, name: str, form: str, output: Path | None, force: bool, all_notes: bool) -> int:
    """Write the cases of a suite, or what an evaluation came to, for another tool.

    pydantic-evals gets a dataset and promptfoo a file of tests, of an evals.yaml or of the one that an evaluation was
    made with. inspect gets a log with the results of an evaluation: its id, a prefix of it, or latest. What does not
    fit is left out and said on stderr, item by item.
    """
    import asyncio

    from loopengt.errors import UsageError
    from loopengt_evals.formats.collected import Notes
    from loopengt_evals.formats.exporting import export_results, export_suite
    from loopengt_evals.formats.telling import tell

    if output is not None and output.exists() and not force:
        raise UsageError(f"{output} is there already", remedy="Name another file, or add --force.")
    notes = Notes()
    if form == "inspect":
        text = asyncio.run(export_results(kernel, name, notes))
    else:
        text = export_suite(kernel.for_spec(Path(name)) if Path(name).exists() else kernel, name, form, notes)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"Written for {form}: {output}", err=True)
    for line in tell(notes, everything=all_notes):
        click.echo(line, err=True)
    return 0
