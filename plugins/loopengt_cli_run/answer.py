"""The command ``loopengt answer``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt import Kernel
    from loopengt.approvals import Answer

__all__ = ["answer"]


@click.command("answer")
@click.argument("run_name", metavar="RUN")
@click.argument("text", required=False)
@click.option("--decline", is_flag=True, help="Do not answer; TEXT says why.")
@click.option("--step", metavar="NAME", default="", help="Of which step, when several ask.")
@click.option("--question", "number", metavar="N", type=int, help="The question of that number in the list.")
@click.option("--resume", is_flag=True, help="Go on with the run here, when no other process does.")
@pass_kernel
def answer(
    kernel: Kernel,
    run_name: str,
    text: str | None,
    decline: bool,
    step: str,
    number: int | None,
    resume: bool,
) -> int:
    """Answer what an agent or a tool of a run wants to know. RUN is its id, a prefix of it, or latest.

    Without TEXT the answer is asked for on a terminal, else read from stdin. Of choices, TEXT is one, or its number;
    where JSON is asked for, it is held against the schema. An answer that does not fit is refused. One that fits is
    kept with the run when the command returns; a process that drives the run goes on with it at once. Without one,
    resume the run, or add --resume: the exit codes are then those of run.
    """
    from loopengt_cli_run.choosing import Wanted
    from loopengt_cli_run.deciding import Deciding, answer_of, decide_and_say

    def say(question: Mapping[str, Any]) -> Answer:
        if decline:
            return answer_of(False, text or "")
        return answer_of(True, _words(question, text))

    return decide_and_say(kernel, Deciding(run_name, Wanted(True, step=step, number=number), say, resume))


def _words(question: Mapping[str, Any], text: str | None) -> str:
    """Return what the person says, as it fits the question.

    Raises:
        UsageError: It does not.
    """
    from loopengt.errors import UsageError
    from loopengt_cli_run.answers import Unfit, fitting, piped

    if text is None and sys.stdin is not None and sys.stdin.isatty():
        return _asked(question)
    try:
        return fitting(question, piped() if text is None else text)
    except Unfit as problem:
        raise UsageError(
            f"{problem}", remedy="Nothing was written. Give another TEXT, or none: --decline"
        ) from None


def _asked(question: Mapping[str, Any]) -> str:
    """Ask on the terminal until the answer fits."""
    from loopengt_cli_run.answers import Unfit, fitting
    from loopengt_cli_run.questions import details_of
    from loopengt_cli_run.text import lines_of, say

    for line in (*lines_of(str(question.get("question") or "")), *details_of(question)):
        say(line)
    while True:
        text: str = click.prompt("Answer", err=True)
        try:
            return fitting(question, text)
        except Unfit as problem:
            for line in lines_of(str(problem)):
                say(line)
