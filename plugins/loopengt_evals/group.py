"""The command ``loopengt eval``: evaluates runs, or does what its first word names."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Any

import click

from loopengt.cli.groups import LazyGroup

__all__ = ["eval_"]

_RUNS = "loopengt_evals.evaluate:evaluate"

_PARTS = {
    "suite": "loopengt_evals.suite:suite",
    "compare": "loopengt_evals.compare:compare",
    "calibrate": "loopengt_evals.calibrate:calibrate",
    "import": "loopengt_evals.import_:import_",
    "export": "loopengt_evals.export:export",
}

_SUMMARIES = {
    "suite": "Run a loop on many cases, and report how often it succeeds",
    "compare": "Tell which of two loops is better",
    "calibrate": "Hold a judge against labels that people gave",
    "import": "Make cases of files of other tools",
    "export": "Write cases or results for other tools",
}


class _RunsOrParts(LazyGroup):
    """A group that takes what does not begin with a subcommand as runs to evaluate."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments, as the command for runs does unless they begin with a subcommand."""
        if args and args[0] in _PARTS:
            return super().make_context(info_name, args, parent, **extra)
        command: click.Command = resolve_name(_RUNS)
        return command.make_context(info_name, args, parent, **extra)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands with their summaries, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES[name]) for name in self.list_commands(ctx)])


@click.group("eval", cls=_RunsOrParts, parts=_PARTS)
def eval_() -> None:
    """Measure and judge runs; or, with a command, suites, loops and judges."""
