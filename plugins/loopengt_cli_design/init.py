"""The command ``loopengt init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt_cli_design.writing import Writer

TEMPLATE = "starter"


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Replace files that are there; each is kept as FILE.bak.")
@pass_kernel
def init(kernel: Kernel, folder: Path | None, force: bool) -> None:
    """Make DIR, the current folder by default, a project with a loop to start from.

    Writes .loopengt/ with its config.toml, and loop.yaml, with the agent that this machine has and the checks that
    the folder's files speak of. Asks nothing; files that are there stay as they are.
    """
    from loopengt.project import GITIGNORE
    from loopengt_cli_design.files import FOLDERS, SCHEMA_FILE, config_text
    from loopengt_cli_design.telling import Teller
    from loopengt_cli_design.writing import Record, Writer

    target = folder if folder is not None else _named_project(kernel) or Path()
    say = Teller()
    writer = Writer(target, force=force, say=say, record=Record(target))
    for name in FOLDERS:
        writer.folder(name)
    writer.file(".loopengt/config.toml", config_text(_order(kernel, target)))
    writer.file(".loopengt/.gitignore", GITIGNORE)
    # From here on it is a project, whose own config says which plugins it has.
    kernel = kernel.for_spec(target)
    notes, lacks_check = _write_template(kernel, target, writer)
    writer.file(SCHEMA_FILE, _schema(kernel))
    for paragraph in (notes, tuple(_next(target, lacks_check=lacks_check))):
        if paragraph:
            say("\n" + "\n".join(paragraph))
    say.finish()


def _named_project(kernel: Kernel) -> Path | None:
    """The project that was named with -C or in the environment; without DIR it is the one that is meant."""
    named = click.get_current_context().find_root().params.get("project")
    return kernel.project if named or kernel.environ.get("LOOPENGT_PROJECT") else None


def _order(kernel: Kernel, target: Path) -> list[str]:
    """The coding CLIs of this machine, whatever a config that is there, and may be broken, says of them."""
    from loopengt import Kernel as AnyKernel
    from loopengt_cli_design.detecting import find_workers
    from loopengt_cli_design.starting import cli_order

    return cli_order(find_workers(AnyKernel(target, config={}, environ=kernel.environ)))


def _write_template(kernel: Kernel, target: Path, writer: Writer) -> tuple[tuple[str, ...], bool]:
    """Write the loop; return what was found for it, and whether a person has to say yet what proves the work."""
    from loopengt_cli_design.designs import open_template
    from loopengt_cli_design.detecting import find_workers, look_over
    from loopengt_cli_design.files import SCHEMA_LINE
    from loopengt_cli_design.starting import SPEC, make_start

    findings = look_over(target)
    files = open_template(kernel, TEMPLATE).fill({})
    start = make_start(files[SPEC], findings, find_workers(kernel))
    text = start.text if "yaml-language-server:" in start.text else SCHEMA_LINE + start.text
    notes: tuple[str, ...] = ()
    if writer.file(SPEC, text):
        notes = (
            f"project: {', '.join(findings.languages) or 'of no language that was recognised'}",
            *start.notes,
        )
    for name in sorted(files.keys() - {SPEC}):
        writer.file(name, files[name])
    return notes, bool(notes) and start.lacks_check


def _schema(kernel: Kernel) -> str:
    """The schema as ``loopengt schema`` prints it."""
    import json

    return json.dumps(kernel.spec_schema(), indent=2, ensure_ascii=False) + "\n"


def _next(target: Path, *, lacks_check: bool) -> Iterator[str]:
    spec = shlex.quote(str(target / "loop.yaml"))
    yield "Next:"
    if lacks_check:
        where = "" if target == Path() else f" -o {spec}"
        yield f'  loopengt design "GOAL"{where}    # a loop for a goal, or write the check into {spec} yourself'
    yield f"  loopengt run {spec} --dry-run    # the plan; nothing is executed"
    yield f"  loopengt run {spec}"
