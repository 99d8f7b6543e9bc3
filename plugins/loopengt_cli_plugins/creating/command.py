"""The command ``loopengt plugins new``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.errors import UsageError
from loopengt_cli_plugins.creating.kinds import KINDS

if TYPE_CHECKING:
    from loopengt import Kernel


@click.command()
@click.argument("name")
@click.option(
    "--kind", "-k", required=True, type=click.Choice(sorted(KINDS)), help="What the plugin is to provide."
)
@click.option(
    "--output",
    "-o",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to write, default loopengt-NAME.",
)
@click.option("--force", is_flag=True, help="Replace files in a folder that is there already.")
@pass_kernel
def new(kernel: Kernel, name: str, kind: str, folder: Path | None, force: bool) -> None:
    """Write the package of a new plugin NAME, with code that works, tests and CI.

    NAME my-judge becomes the distribution loopengt-my-judge, the package loopengt_my_judge, and the judge my_judge.
    """
    from loopengt_cli_plugins.creating.names import check_names, make_names
    from loopengt_cli_plugins.creating.package import make_package

    wanted = KINDS[kind]
    names = make_names(name, wanted)
    target = Path(names.distribution) if folder is None else folder
    check_names(names, wanted, kernel)
    files = make_package(names, wanted)
    _check_folder(target, files, force=force)
    _write(target, files)
    for path in files:
        click.echo(f"{target / path}")
    shown = shlex.quote(str(target))
    click.echo(
        f"\nThe {wanted.words} {names.component} is in {target}/{names.package}/{wanted.module}.py. Next:\n"
        f"  cd {shown} && pip install -e '.[dev]' && pytest\n"
        f"  loopengt plugins check {shown}\n"
        "It has no license yet: choose one before you publish it."
    )


def _check_folder(target: Path, files: dict[str, str], *, force: bool) -> None:
    if target.is_symlink() or target.exists():
        if not target.is_dir():
            raise UsageError(f"{target} is no folder", remedy="name another one with -o")
        if not force:
            raise UsageError(
                f"{target} is there already",
                remedy="name another folder with -o, or replace its files with --force",
            )
    # Through a link a file far from the folder would be replaced.
    for path in files:
        for part in (Path(path), *Path(path).parents[:-1]):
            if (target / part).is_symlink():
                raise UsageError(
                    f"{target / part} is a link, which is not written through", remedy="remove it first"
                )


def _write(target: Path, files: dict[str, str]) -> None:
    try:
        for path, text in files.items():
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{exc.filename or target} cannot be written: {exc.strerror}") from exc
