"""What ``approve``, ``reject`` and ``answer`` share: they find the questions, answer them, and say what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loopengt import Kernel
    from loopengt.approvals import Answer, Answered
    from loopengt.errors import UsageError
    from loopengt.journal import Fold
    from loopengt_cli_run.choosing import Wanted
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.storage import Storage
    from loopengt_hookspecs.tracing import Observer

__all__ = ["Deciding", "answer_of", "answering", "decide_and_say", "decide_on"]

_OPTIONS = (
    click.argument("run_name", metavar="RUN"),
    click.option("--gate", metavar="NAME", default="", help="Which gate, when several ask."),
    click.option("--tool", metavar="NAME", default="", help="A call of which tool, when several ask."),
    click.option("--step", metavar="NAME", default="", help="Of which step, when several ask."),
    click.option(
        "--question", "number", metavar="N", type=int, help="The question of that number in the list."
    ),
    click.option("--all", "every", is_flag=True, help="All questions that fit, and not just the only one."),
    click.option(
        "--comment", metavar="TEXT", default="", help="Why; a rejection's is the next attempt's feedback."
    ),
    click.option("--resume", is_flag=True, help="Go on with the run here, when no other process does."),
)


def answering(command: Callable[..., int]) -> Callable[..., int]:
    """Add the argument and the options that ``approve`` and ``reject`` take."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is to be said to which questions."""

    run_name: str
    wanted: Wanted
    answer: Callable[[Mapping[str, Any]], Answer]
    """Makes the answer to one question, or refuses to."""
    resume: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """Answered questions, and how things stand now."""

    run_id: str
    answered: Sequence[tuple[Mapping[str, Any], Answer, Answered]]
    fold: Fold


def answer_of(approved: bool, comment: str) -> Answer:
    """Make the answer of the person who types this, without the secrets of the environment."""
    import os

    from loopengt.approvals import Answer
    from loopengt.journal import clean_text
    from loopengt.redaction import Redactor

    return Answer(approved, _person(), Redactor.of_environment(os.environ).text(clean_text(comment)))


def decide_on(
    kernel: Kernel,
    approved: bool,
    *,
    run_name: str,
    gate: str,
    tool: str,
    step: str,
    number: int | None,
    every: bool,
    comment: str,
    resume: bool,
) -> int:
    """Do what ``approve`` and ``reject`` do, given their argument and options.

    Raises:
        RunNotFound: There is no such run, or more than one.
        UsageError: It asks nothing, not that, or several things; or somebody has decided otherwise.
    """
    from loopengt_cli_run.choosing import Wanted

    wanted = Wanted(False, gate, tool, step, number, every)
    return decide_and_say(kernel, Deciding(run_name, wanted, lambda _: answer_of(approved, comment), resume))


def decide_and_say(kernel: Kernel, deciding: Deciding) -> int:
    """Answer the questions that are meant, say what follows, and return the exit code.

    Raises:
        RunNotFound: There is no such run, or more than one.
        UsageError: It asks nothing, not that, or several things; or somebody has decided otherwise.
    """
    import asyncio

    from loopengt.cli.retyping import command_line
    from loopengt_cli_run.questions import question_lines

    run_id, questions = asyncio.run(_find(kernel, deciding))
    # Outside of any event loop, where Ctrl-C ends a prompt; and nothing is written when one of them is refused.
    answers = [(question, deciding.answer(question)) for question in questions]
    said = asyncio.run(_decide(kernel, run_id, answers))
    late = None
    for question, answer, answered in said.answered:
        if not answered.ours and _differs(answer, answered.decision, deciding.wanted.words):
            late = late or _decided_otherwise(said.run_id, answered)
        else:
            click.echo(_what_was_done(said.run_id, question, answered))
    if late is not None:
        raise late
    driven_by = said.answered[-1][2].driven_by
    if driven_by:
        click.echo(f"The run goes on: it is driven by {driven_by}.")
        return 0
    if deciding.resume:
        return _resume(kernel, said.run_id)
    for line in question_lines(list(said.fold.questions.values()), said.run_id, kernel):
        click.echo(line)
    click.echo(f"resume:    {command_line(kernel, 'resume', said.run_id)}")
    return 0


async def _find(kernel: Kernel, deciding: Deciding) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Return the run's id and the questions that are meant."""
    from loopengt.approvals import read_questions
    from loopengt.finding import check_runs_exist, find_run
    from loopengt_cli_run.choosing import chosen

    check_runs_exist(kernel, deciding.run_name)
    async with kernel.storage() as storage:
        run_id = (await find_run(storage, deciding.run_name)).run_id
        return run_id, chosen(await read_questions(storage, run_id), kernel, deciding.wanted)


async def _decide(kernel: Kernel, run_id: str, answers: Sequence[tuple[Mapping[str, Any], Answer]]) -> _Said:
    from loopengt.approvals import decide, read_questions

    async with kernel.storage() as storage:
        answered = [
            (question, answer, await decide(storage, run_id, question["id"], answer))
            for question, answer in answers
        ]
        return _Said(run_id, answered, await read_questions(storage, run_id))


# -- in words ------------------------------------------------------------------------------------------------------


def _differs(answer: Answer, decision: Mapping[str, Any], words: bool) -> bool:
    """Whether what counts is something else than what was said."""
    if (decision.get("decision") == "approved") is not answer.approved:
        return True
    return words and answer.approved and decision.get("comment") != answer.comment


def _what_was_done(run_id: str, question: Mapping[str, Any], answered: Answered) -> str:
    from loopengt_cli_run.choosing import decided_in_words
    from loopengt_cli_run.questions import is_for_answer, place_of

    if not answered.ours:
        return f"Run {run_id}: {decided_in_words(answered.decision)}."
    done = str(answered.decision["decision"])
    if is_for_answer(question):
        done = "answered" if done == "approved" else "declined"
    return f"{done.capitalize()}: {place_of(question)} of run {run_id}."


def _decided_otherwise(run_id: str, answered: Answered) -> UsageError:
    from loopengt.errors import UsageError
    from loopengt_cli_run.choosing import decided_in_words

    return UsageError(f"run {run_id}: {decided_in_words(answered.decision)}", remedy="That answer counts.")


def _person() -> str:
    """Name who types this, as user@host."""
    import getpass
    import platform

    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have no name for its user
        user = "unknown"
    return f"{user}@{platform.node() or 'localhost'}"


# -- going on ------------------------------------------------------------------------------------------------------


def _resume(kernel: Kernel, run_id: str) -> int:
    from loopengt.errors import RunOwned
    from loopengt_cli_run.session import Display, Session
    from loopengt_hookspecs.engines import ResumeRequest

    async def begin(engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        return await engine.resume(ResumeRequest(run_id, observers))

    try:
        return Session(kernel, Display()).drive(begin, run_id)
    except RunOwned as exc:  # a process that waited for the answer was quicker
        click.echo(f"The run goes on. {exc.message}")
        return 0
