"""The command ``loopengt design``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt import Kernel
    from loopengt_cli_design.designing import Made
    from loopengt_cli_design.designs import Design
    from loopengt_cli_design.rules import Situation
    from loopengt_cli_design.telling import Teller
    from loopengt_cli_design.writing import Writer
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["design"]

_LONGEST_GOAL = 20_000


@click.command("design")
@click.argument("goal")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The loop.  [default: loop.yaml]",
)
@click.option("-t", "--template", metavar="NAME", help="Fill this template; no model is asked.")
@click.option(
    "-d",
    "--document",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page about it.  [default: LOOP_DESIGN.md, beside the loop]",
)
@click.option("--provider", metavar="NAME", help="Who designs it, in place of the first that can be used.")
@click.option("--force", is_flag=True, help="Replace files that are there; each is kept as FILE.bak.")
@click.option("-y", "--yes", is_flag=True, help="Write what a model proposes without asking.")
@pass_kernel
def design(
    kernel: Kernel,
    goal: str,
    output: Path | None,
    template: str | None,
    document: Path | None,
    provider: str | None,
    force: bool,
    yes: bool,
) -> int:
    """Make a loop for GOAL, and a page that says why it is as it is.

    A coding CLI or a model that can be used here designs it, in a run of its own: it proposes, loopengt checks, and it
    improves, three times at most. The proposal and all that it would execute are shown before it is written. Without
    either, or where there is no terminal to ask on and no --yes, a template is chosen and filled by plain rules.
    """
    from loopengt.errors import UsageError
    from loopengt_cli_design.designing import NotDesigned, make_design
    from loopengt_cli_design.detecting import look_over
    from loopengt_cli_design.rules import Situation
    from loopengt_cli_design.telling import Teller
    from loopengt_cli_design.writing import Record, Writer

    goal = goal.strip()
    if not goal or len(goal) > _LONGEST_GOAL or "\0" in goal:
        raise click.UsageError(f"GOAL has to be a text of 1 to {_LONGEST_GOAL:,} characters.")
    if template is not None and provider is not None:
        raise click.UsageError("--template asks no model: leave --provider out.")
    output = output or _default_output(kernel)
    kernel = kernel.for_spec(output)
    page = document or output.with_name("LOOP_DESIGN.md")
    if page.resolve() == output.resolve():
        raise click.UsageError("The loop and the page about it need files of their own.")
    record, say = Record(kernel.project), Teller()
    writers = [
        Writer(path.parent, force=force, say=say, record=record, renew=True) for path in (output, page)
    ]
    for writer, path in zip(writers, (output, page), strict=True):
        if writer.keeps(path.name):
            raise UsageError(
                f"{path} is there, and was changed since it was written, or not written by loopengt",
                remedy="Give --force, which keeps it as a backup, or another file: -o FILE -d FILE",
            )
    situation = Situation(goal, kernel.project, look_over(kernel.project))
    asks = sys.stdin.isatty() and not yes
    try:
        made = make_design(kernel, situation, template, provider, may_ask_model=asks or yes, say=say)
    except NotDesigned as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    code = _finish(kernel, made, situation, output, page, writers, say, asks=asks)
    say.finish()
    return code


def _default_output(kernel: Kernel) -> Path:
    """The project's loop.yaml when a project was named, as for ``init``; else that of the current folder."""
    named = click.get_current_context().find_root().params.get("project")
    return (kernel.project if named or kernel.environ.get("LOOPENGT_PROJECT") else Path()) / "loop.yaml"


def _finish(
    kernel: Kernel,
    made: Made,
    situation: Situation,
    output: Path,
    page: Path,
    writers: list[Writer],
    say: Teller,
    *,
    asks: bool,
) -> int:
    """Show a design, ask where a model has made it, write it, and say what comes next."""
    from loopengt.errors import UsageError
    from loopengt_cli_design.document import design_document
    from loopengt_cli_design.executing import would_execute
    from loopengt_cli_design.proposals.checking import SPEC

    design, (loops, pages) = made.design, writers
    executes = would_execute(kernel, design.loaded.spec)
    for line in _shown(design, executes.lines, whole=made.by_model):
        say(line)
    if made.by_model and asks:
        say.finish()  # nobody agrees to what they have not seen
        if not click.confirm(f"Write {output}?", err=True):
            say("Nothing was written.")
            return 1
    others = {name: text for name, text in design.files.items() if name != SPEC}
    taken = [name for name in others if loops.keeps(name, others[name])]
    if taken:
        raise UsageError(
            f"{output.parent / taken[0]} is there with another content",
            remedy="Give --force, which keeps it as a backup, or -o in another folder.",
        )
    head = _schema_line(kernel, output)
    text = design.files[SPEC]
    loops.file(output.name, text if "yaml-language-server:" in text else head + text)
    for name, content in sorted(others.items()):
        loops.file(name, content)
    pages.file(page.name, design_document(design, situation.goal, str(output), executes.lines))
    for line in (*_next(executes.missing, output), *_answering(kernel, design.loaded.spec)):
        say(line)
    return 0


def _shown(design: Design, executes: Sequence[str], *, whole: bool) -> Iterator[str]:
    from loopengt_cli_design.proposals.checking import SPEC

    spec = design.loaded.spec
    yield design.how
    yield from (f"  {note}" for note in design.notes)
    if design.why:
        yield f"Why: {design.why}"
    yield ""
    if whole:
        yield from (f"  {line}" for line in design.files[SPEC].splitlines())
        yield ""
    yield f"{spec.name}, pattern {spec.pattern}; a run of it would execute:"
    yield from (f"  {line}" for line in executes)
    yield ""


def _schema_line(kernel: Kernel, output: Path) -> str:
    """The line that tells an editor where the schema is, where there is one."""
    import os

    from loopengt_cli_design.files import SCHEMA_FILE

    schema = kernel.project / SCHEMA_FILE
    if not schema.is_file():
        return ""
    path = Path(os.path.relpath(schema, output.resolve().parent)).as_posix()
    return f"# yaml-language-server: $schema={path if path.startswith('.') else f'./{path}'}\n"


def _next(missing: Sequence[str], output: Path) -> Iterator[str]:
    import shlex

    if missing:
        yield ""
        yield "Before it can run here, this is missing; --dry-run says how to mend it:"
        yield from (f"  {line}" for line in missing)
    spec = shlex.quote(str(output))
    yield ""
    yield "Next:"
    yield f"  loopengt run {spec} --dry-run    # the plan; nothing is executed"
    yield f"  loopengt run {spec}"


def _answering(kernel: Kernel, spec: LoopSpec) -> Iterator[str]:
    """Say how a person answers, where the loop asks one."""
    import shlex

    used = {name for step in spec.steps for name in step.verification_gates}
    if all(gate.kind != "approval" or gate.name not in used for gate in spec.policy.verification_gates):
        return
    here = Path.cwd().is_relative_to(kernel.project.resolve())
    program = "loopengt" if here else f"loopengt -C {shlex.quote(str(kernel.project))}"
    yield "It pauses when somebody has to look at the work, who then types one of"
    yield f"  {program} approve latest --resume"
    yield f'  {program} reject latest --comment "what is wrong" --resume'
