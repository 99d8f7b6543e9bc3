"""The command ``loopengt validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_cli_project.refused import refusals

if TYPE_CHECKING:
    from collections.abc import Sized

    from loopengt import Kernel
    from loopengt.spec import LoadedSpec, Problem

INVALID = 2


@click.command()
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of the problems.")
@pass_kernel
def validate(kernel: Kernel, specs: tuple[Path, ...], as_json: bool) -> None:
    """Say all that is wrong with each SPEC: a file, or a folder with a loop.yaml.

    Prints a line FILE:LINE:COLUMN: for each problem, and exits with 2 when there is one.
    """
    from loopengt import SpecError

    problems: list[Problem] = []
    for path in specs:
        own = kernel.for_spec(path)
        try:
            loaded = own.load_spec(path)
            _check_engine(own, loaded)
            trigger = _trigger(own, loaded)
        except SpecError as error:
            problems += error.problems
            if not as_json:
                click.echo(str(error))
        else:
            if not as_json:
                click.echo(f"OK {loaded.path}: {_summary(loaded)}{trigger}")
    if as_json:
        click.echo(_to_json(problems))
    if problems:
        click.get_current_context().exit(INVALID)


def _check_engine(kernel: Kernel, loaded: LoadedSpec) -> None:
    """Ask the engine, too: it must not refuse what was called sound.

    Raises:
        SpecError: It cannot run the loop, or one below it, as declared.
    """
    from loopengt import SpecError
    from loopengt_cli_project.findings import one_line

    found: list[Problem] = []
    for file, spec in (("", loaded.spec), *loaded.loops.items()):
        for place, error in refusals(kernel.engine(), spec):
            # The place is known in the text of the loop itself, not in those of the loops below it.
            position = loaded.document.position(place) if not file else (1, 1)
            message = one_line(f"{file}: {error.message}" if file else error.message)
            found.append(loaded.document.problem(position, message, one_line(error.remedy)))
    if found:
        raise SpecError(sorted(set(found)))


def _summary(loaded: LoadedSpec) -> str:
    spec = loaded.spec
    counts = ", ".join(_count(items, noun) for items, noun in ((spec.steps, "step"), (spec.agents, "agent")))
    below = f", with {', '.join(sorted(loaded.loops))}" if loaded.loops else ""
    return f"{spec.name}, pattern {spec.pattern}, {counts}{below}"


def _trigger(kernel: Kernel, loaded: LoadedSpec) -> str:
    if "trigger" not in loaded.spec.model_fields_set:
        return ""
    from loopengt.triggering import bind_trigger, trigger_line

    return f"; trigger {trigger_line(bind_trigger(kernel, loaded.spec.trigger, kernel.project))}"


def _count(items: Sized, noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _to_json(problems: list[Problem]) -> str:
    import dataclasses
    import json

    return json.dumps([dataclasses.asdict(problem) for problem in problems], indent=2, ensure_ascii=False)
