"""The command ``loopengt template create``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt import Kernel
    from loopengt_cli_template.taking import Taken
    from loopengt_cli_template.varying import Variable

__all__ = ["create"]


@click.command("create")
@click.argument("name")
@click.option("-s", "--source", metavar="RUN|SPEC", default="latest", show_default=True,
              help="A run that reached its goal, or a loop's file.")  # fmt: skip
@click.option("--scope", type=click.Choice(["project", "user"]), default="project", show_default=True,
              help="Whose template it becomes.")  # fmt: skip
@click.option("--description", metavar="TEXT", default="", help="What it is for; otherwise the loop's.")
@click.option("--force", is_flag=True, help="Replace the template of that name; it is kept as NAME.bak.")
@pass_kernel
def create(
    kernel: Kernel, name: str, source: str, scope: Literal["project", "user"], description: str, force: bool
) -> None:
    """Make a template of a run that worked, or of a loop's file.

    Goal, values of the context, providers, models and commands become variables, with what they are now as their
    defaults.
    """
    from loopengt.display import one_line, visible
    from loopengt.errors import UsageError
    from loopengt.naming import is_word
    from loopengt.templates import make_template, templates_folder
    from loopengt_cli_template.taking import take_loop
    from loopengt_cli_template.varying import put_variables

    if not is_word(name):
        raise UsageError(
            f"{name!r} cannot name a template", remedy="Use letters, digits, _ and -, a letter first."
        )
    taken = take_loop(kernel, source)
    text, variables = put_variables(taken.text)
    files = _files(name, text, variables, taken, description)
    make_template(name, scope, files).fill({})
    folder = templates_folder(kernel, scope) / name
    if scope == "project":
        from loopengt.project import make_state_folder

        make_state_folder(kernel.folder)
    kept = _write(folder, files, force=force)
    click.echo(
        f"wrote {folder}, from {visible(taken.origin)}" + (f"; the old one is {kept.name}" if kept else "")
    )
    for each in variables:
        click.echo(visible(f"  {each.name}: {each.description} (default: {one_line(each.default)})"))
    click.echo(f"\nNext:\n  loopengt template show {name}\n  loopengt template use {name} -o DIR")


def _files(
    name: str, text: str, variables: Sequence[Variable], taken: Taken, description: str
) -> dict[str, str]:
    from loopengt.display import first_line
    from loopengt.spec import parse_document
    from loopengt_cli_template.emitting import emit_yaml

    data = parse_document(taken.text).data
    about = {
        "description": first_line(description or data.get("description") or f"The loop {data['name']}"),
        "variables": {each.name: each.declared() for each in variables},
    }
    readme = (
        f"# {name}\n\n{about['description']}\n\nMade of {taken.origin}.\n\n    loopengt template use {name}\n"
    )
    return {"README.md": readme, "loop.yaml": text, "template.yaml": emit_yaml(about), **taken.loops}


def _write(folder: Path, files: Mapping[str, str], *, force: bool) -> Path | None:
    """Put the folder in its place in one step, and return where the old one is now, if there was one."""
    from loopengt.errors import LoopengtError, UsageError

    there = folder.exists() or folder.is_symlink()
    if there and not force:
        raise UsageError(f"there is a template {folder} already", remedy="--force replaces it.")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    kept = None
    try:
        for name, text in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).write_text(text, encoding="utf-8")
        if there:
            numbers = ("", *map(str, range(2, 10_000)))
            paths = (folder.with_name(f"{folder.name}.bak{number}") for number in numbers)
            kept = next(path for path in paths if not path.exists() and not path.is_symlink())
            folder.rename(kept)
        draft.rename(folder)
    except OSError as exc:
        raise LoopengtError(f"{exc.filename or folder} cannot be written: {exc.strerror}") from exc
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return kept
