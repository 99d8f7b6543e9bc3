"""The command ``loopengt eval calibrate``: how far a judge agrees with people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["calibrate"]

_INTERRUPTED = 130
_NO_VERDICT = 1
_NOT_REACHED = 3


@click.command("calibrate", no_args_is_help=True)
@click.argument("judge")
@click.argument("labels", type=click.Path(path_type=Path, dir_okay=False), metavar="LABELS")
@click.option(
    "--repeat", type=click.IntRange(1, 99), metavar="N", help="How often it is asked about each output."
)
@click.option("--threshold", type=click.FloatRange(0, 1), metavar="X",
              help="Lowest score that passes, whatever it declares.")  # fmt: skip
@click.option("--label-threshold", type=click.FloatRange(0, 1), metavar="X",
              help="Lowest label that counts as pass, of labels that are scores. Default: as the judge.")  # fmt: skip
@click.option("--agent", metavar="PROVIDER[:MODEL]", help="Whom it asks, whatever it declares.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Verdicts at once."
)
@click.option(
    "--min-kappa", type=click.FloatRange(-1, 1), metavar="X", help="Exit with 3 when kappa is below."
)
@click.option("--fresh", is_flag=True, help="Ask again for verdicts that an earlier calibration got.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@pass_kernel
def calibrate(
    kernel: Kernel,
    judge: str,
    labels: Path,
    repeat: int | None,
    threshold: float | None,
    label_threshold: float | None,
    agent: str | None,
    concurrency: int,
    min_kappa: float | None,
    fresh: bool,
    as_json: bool,
) -> int:
    """Hold a judge against labels that people gave.

    JUDGE is a kind's name, or a YAML file that declares a judge. LABELS is a CSV, JSONL, JSON or YAML file: in each row
    output (or file, its path) and label (pass or fail, 1 or 0, or a score from 0 to 1); and, as the judge needs them,
    id, expected, goal, other.

    Verdicts are kept: after Ctrl-C the same command goes on. Exits with 1 when the judge gave no verdict on some rows.
    """
    import asyncio

    from loopengt.errors import UsageError
    from loopengt.evaluating import judge_specs
    from loopengt.judging import bind_judge
    from loopengt_evals.calibration.asking import ask_all
    from loopengt_evals.calibration.figures import compute
    from loopengt_evals.calibration.keeping import Kept
    from loopengt_evals.calibration.labels import read_labels
    from loopengt_evals.calibration.record import to_json
    from loopengt_evals.calibration.text import to_text

    specs = judge_specs(kernel, [judge], agent=agent or "", threshold=threshold)
    if len(specs) > 1:
        raise UsageError(f"{judge} declares {len(specs)} judges", remedy="Calibrate one at a time.")
    spec = specs[0] if repeat is None else specs[0].model_copy(update={"repeat": repeat})
    bound = bind_judge(kernel, spec, kernel.project)
    given = read_labels(labels)
    lacking = bound.missing()
    if lacking:
        raise lacking[0]
    good_from = bound.threshold if label_threshold is None else label_threshold
    good_from = good_from if given.graded else 1.0
    asks = (
        ""
        if spec.agent is not None
        else ":".join(kernel.setting("judges", key) for key in ("provider", "model"))
    )
    with Kept(kernel.folder, bound.spec, bound.threshold, asks, fresh=fresh, lasting=bound.asks) as kept:
        progress = _Progress(len(given.rows))
        try:
            asked = asyncio.run(
                ask_all(kernel, bound, given.rows, kept, concurrency=concurrency, told=progress.tell)
            )
        except KeyboardInterrupt:
            progress.end()
            click.echo("Interrupted. The verdicts so far are kept: the same command goes on.", err=True)
            return _INTERRUPTED
        finally:
            progress.end()
    figures = compute(given.rows, asked.verdicts, good_from)
    if as_json:
        click.echo(to_json(bound.name, bound.threshold, good_from, figures, asked, given.rows))
    else:
        click.echo(to_text(bound.name, bound.threshold, good_from, figures, asked, given.unused))
    if asked.errors:
        return _NO_VERDICT
    low = min_kappa is not None and (figures.kappa is None or figures.kappa.estimate < min_kappa)
    return _NOT_REACHED if low else 0


class _Progress:
    """A line on a terminal that counts.

    Args:
        total: How many there are.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = False

    def tell(self, done: int) -> None:
        """Show how many are done."""
        if sys.stderr.isatty():
            self._shown = True
            click.echo(f"\r{done} of {self._total} judged", nl=False, err=True)

    def end(self) -> None:
        """Remove the line."""
        if self._shown:
            self._shown = False
            click.echo("\r\x1b[K", nl=False, err=True)
