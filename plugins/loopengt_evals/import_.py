"""The command ``loopengt eval import``: cases out of files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["import_"]

_FORMATS = ("auto", "pydantic-evals", "promptfoo", "inspect")


@click.command("import", no_args_is_help=True)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(_FORMATS), default="auto", show_default=True,
              help="Of which tool it is.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Where to: YAML, or with the suffix .jsonl a line a case; without it, to stdout.")  # fmt: skip
@click.option(
    "--loop", metavar="PATH", help="Make a whole evals.yaml for this loop, in place of a file of cases."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--all-notes", is_flag=True, help="Name every place where something was left out.")
@pass_kernel
def import_(
    kernel: Kernel, file: Path, form: str, output: Path | None, loop: str | None, force: bool, all_notes: bool
) -> int:
    """Make cases of a file of another tool: a pydantic-evals dataset, promptfoo tests, or an Inspect log.

    What does not fit is left out and said on stderr, item by item. Nothing in the file is executed.
    """
    from loopengt.errors import UsageError
    from loopengt.spec.document import MAX_BYTES
    from loopengt_evals.formats.importing import import_file
    from loopengt_evals.formats.telling import tell
    from loopengt_evals.formats.writing import to_lines, to_yaml

    if output is not None and output.exists() and not force:
        raise UsageError(f"{output} is there already", remedy="Name another file, or add --force.")
    found = import_file(kernel, file, form)
    as_lines = output is not None and output.suffix in (".jsonl", ".ndjson")
    if as_lines and loop is not None:
        raise UsageError(
            "an evals.yaml is YAML, and no file of lines", remedy="Leave --loop out, or name a .yaml."
        )
    text = to_lines(found) if as_lines else to_yaml(found, source=file.name, loop=loop)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
    judges = len(found.judges) + sum(len(case.get("judges", ())) for case in found.cases)
    where = "" if output is None else f": {output}"
    click.echo(
        f"{_count(len(found.cases), 'case')} with {_count(judges, 'judge')} from {found.format}{where}",
        err=True,
    )
    if not as_lines and len(text.encode("utf-8", "replace")) > MAX_BYTES:
        click.echo("- it is larger than what a suite reads as YAML: take -o cases.jsonl", err=True)
    if loop is None and found.repeat > 1:
        click.echo(f"- each was run {found.repeat} times: set repeat: {found.repeat} in evals.yaml", err=True)
    for line in tell(found.notes, everything=all_notes):
        click.echo(line, err=True)
    return 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
