"""The command ``loopengt eval RUN…``: the figures of recorded runs, and what judges say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["evaluate"]


class _WithCommands(click.Command):
    """A command whose help also lists the subcommands of its group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the subcommands."""
        from loopengt_evals.group import eval_

        super().format_options(ctx, formatter)
        eval_.format_commands(ctx, formatter)


@click.command("eval", cls=_WithCommands, no_args_is_help=True)
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@click.option("-m", "--metric", "metrics", multiple=True, metavar="NAME",
              help="Show this metric; may be repeated. Without it: all.")  # fmt: skip
@click.option("-j", "--judge", "judges", multiple=True, metavar="JUDGE",
              help="Ask this judge: a kind's name, or a YAML file that declares judges; may be repeated.")  # fmt: skip
@click.option("--expected", metavar="FILE|TEXT", help="What judges compare the output with.")
@click.option("--agent", metavar="PROVIDER[:MODEL]", help="Whom judges ask, whatever they declare.")
@click.option("--threshold", type=click.FloatRange(0, 1), metavar="X",
              help="Lowest score that passes, whatever judges declare.")  # fmt: skip
@click.option("--no-record", is_flag=True, help="Do not write the verdicts into the runs' journals.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, one object a run.")
@pass_kernel
def evaluate(
    kernel: Kernel,
    names: tuple[str, ...],
    metrics: tuple[str, ...],
    judges: tuple[str, ...],
    expected: str | None,
    agent: str | None,
    threshold: float | None,
    no_record: bool,
    as_json: bool,
) -> int:
    """Measure recorded runs, and have judges score them. RUN is an id, a prefix of it, or latest.

    Exits with 3 when a judge did not pass a run, and with 1 when a judge came to no verdict, a metric failed, or a
    journal is damaged.
    """
    import asyncio

    from loopengt.evaluating import check_metrics, judge_specs, read_data
    from loopengt_evals.single.asking import Wish, evaluate_all
    from loopengt_evals.single.ending import exit_code, notes
    from loopengt_evals.single.record import to_json
    from loopengt_evals.single.text import to_text

    for option, given in (("--expected", expected), ("--agent", agent), ("--threshold", threshold)):
        if given is not None and not judges:
            raise click.UsageError(f"{option} is for judges, and none is asked: add -j JUDGE.")
    wish = Wish(
        metrics=check_metrics(kernel, metrics),
        judges=judge_specs(kernel, judges, agent=agent or "", threshold=threshold),
        expected=None if expected is None else read_data(expected),
        record=not no_record,
    )
    found, broken = asyncio.run(evaluate_all(kernel, names, wish))
    if as_json:
        click.echo(to_json(found))
    elif found:
        click.echo(to_text(found))
    for note in notes(kernel, found):
        click.echo(note, err=True)
    if broken is not None:
        raise broken
    return exit_code(found)
