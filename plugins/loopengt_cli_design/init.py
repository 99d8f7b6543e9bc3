"""The command ``loopengt init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_project.writing import Writer

TEMPLATE = "starter"


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace files that are there; each is kept as FILE.bak.")
@pass_kernel
def init(kernel: Kernel, folder: Path | None, force: bool) -> None:
    """Make DIR, the current folder by default, a project with a loop to start from.

    Writes .loopengt/ with its config.toml, and loop.yaml, with the agent that is on PATH and the tests that
    the folder has. Files that are there stay as they are.
    """
    from loopengt.project import GITIGNORE
    from loopengt_cli_project.files import CONFIG, FOLDERS, SCHEMA_FILE
    from loopengt_cli_project.schema import schema_text
    from loopengt_cli_project.writing import Writer

    target = folder if folder is not None else _named_project(kernel) or Path()
    writer = Writer(target, force=force, say=click.echo)
    for name in FOLDERS:
        writer.folder(name)
    writer.file(".loopengt/config.toml", CONFIG)
    writer.file(".loopengt/.gitignore", GITIGNORE)
    # From here on it is a project, whose own config says which plugins it has.
    kernel = kernel.for_spec(target)
    notes = _write_template(kernel, target, writer)
    writer.file(SCHEMA_FILE, schema_text(kernel))
    for paragraph in (notes, _next(target)):
        if paragraph:
            click.echo("\n" + "\n".join(paragraph))


def _named_project(kernel: Kernel) -> Path | None:
    """The project that was named with -C or in the environment; without DIR it is the one that is meant."""
    named = click.get_current_context().find_root().params.get("project")
    return kernel.project if named or kernel.environ.get("LOOPENGT_PROJECT") else None


def _write_template(kernel: Kernel, target: Path, writer: Writer) -> tuple[str, ...]:
    from loopengt import PluginError
    from loopengt_cli_project.files import SCHEMA_LINE
    from loopengt_cli_project.starting import SPEC, make_start

    files = kernel.get("templates", TEMPLATE).files()
    if SPEC not in files:
        plugin = kernel.component("templates", TEMPLATE).plugin
        raise PluginError(f"the template {TEMPLATE!r} of the plugin {plugin!r} has no {SPEC}")
    start = make_start(files[SPEC], target, kernel.environ)
    text = start.text if "yaml-language-server:" in start.text else SCHEMA_LINE + start.text
    notes = start.notes if writer.file(SPEC, text) else ()
    for name in sorted(files.keys() - {SPEC}):
        writer.file(name, files[name])
    return notes


def _next(target: Path) -> tuple[str, ...]:
    spec = shlex.quote(str(target / "loop.yaml"))
    return (
        "Next:",
        f"  loopengt run {spec} --dry-run    # the plan; nothing is executed",
        f"  loopengt run {spec}",
    )
