"""The command ``loopengt template use``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["use"]

_FILES = (".yaml", ".yml", ".json")


@click.command("use")
@click.argument("name")
@click.option("-o", "--output", metavar="DIR|FILE", type=click.Path(path_type=Path),
              help="Where to write: a folder, or the loop's file (.yaml).  [default: the current folder]")  # fmt: skip
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Give a variable its value.")
@click.option("--force", is_flag=True, help="Replace files that are there; each is kept as FILE.bak.")
@click.option("-y", "--yes", is_flag=True, help="Write the files of a git repository without asking.")
@pass_kernel
def use(
    kernel: Kernel, name: str, output: Path | None, settings: tuple[str, ...], force: bool, yes: bool
) -> None:
    """Make a loop of a template.

    NAME is a template's name, a folder (with a / in it), or git+https://HOST/REPOSITORY#FOLDER@REF, also
    git+ssh:// and file://. Values that are required and not given are asked for on a terminal. Nothing of a
    template is executed.
    """
    from loopengt.display import visible
    from loopengt.spec import load_spec_text
    from loopengt_cli_template.asking import ask_missing, read_given, want_files
    from loopengt_cli_template.opening import is_address, open_template
    from loopengt_cli_template.writing import write_files

    given = read_given(settings)
    root, file = _place(kernel, output)
    template = open_template(kernel, name)
    files = template.fill(ask_missing(template, given))
    loaded = load_spec_text(files["loop.yaml"], kernel.known_names(), f"{template.name}/loop.yaml")
    files = {file if each == "loop.yaml" else each: text for each, text in files.items()}
    if is_address(name):
        want_files(template, files, loaded.spec, yes=yes)
    for line in write_files(root, files, force=force):
        click.echo(visible(line))
    spec = shlex.quote(str(root / file))
    click.echo(
        f"\nNext:\n  loopengt run {spec} --dry-run    # the plan; nothing is executed\n  loopengt run {spec}"
    )


def _place(kernel: Kernel, output: Path | None) -> tuple[Path, str]:
    """Return the folder, and the name of the loop's file in it."""
    if output is None:
        named = click.get_current_context().find_root().params.get("project")
        return (kernel.project if named or kernel.environ.get("LOOPENGT_PROJECT") else Path()), "loop.yaml"
    if output.suffix.lower() in _FILES and not output.is_dir():
        return output.parent, output.name
    return output, "loop.yaml"
