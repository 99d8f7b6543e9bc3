"""What ``approve`` and ``reject`` share: they find the question, answer it, and say what follows."""

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
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.storage import Storage
    from loopengt_hookspecs.tracing import Observer

__all__ = ["answering", "decide_and_say"]

_OPTIONS = (
    click.argument("run_name", metavar="RUN"),
    click.option("--gate", metavar="NAME", default="", help="Which gate, when several ask."),
    click.option("--step", metavar="NAME", default="", help="Of which step, when several ask."),
    click.option(
        "--comment", metavar="TEXT", default="", help="Why; a rejection's is the next attempt's feedback."
    ),
    click.option("--resume", is_flag=True, help="Go on with the run here, when no other process does."),
)


def answering(command: Callable[..., int]) -> Callable[..., int]:
    """Add the argument and the options that both commands take."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Said:
    """An answered question, and how things stand now."""

    run_id: str
    question: Mapping[str, Any]
    answered: Answered
    left: Sequence[Mapping[str, Any]]
    """What is asked still."""


def decide_and_say(
    kernel: Kernel, run_name: str, approved: bool, *, gate: str, step: str, comment: str, resume: bool
) -> int:
    """Answer the one question that is meant, say what follows, and return the exit code.

    Raises:
        RunNotFound: There is no such run, or more than one.
        UsageError: It asks nothing, not that, or several things; or somebody has decided otherwise.
    """
    import asyncio

    from loopengt.approvals import Answer
    from loopengt.cli.retyping import command_line
    from loopengt_cli_run.questions import question_lines

    answer = Answer(approved, _person(), _redacted(comment))
    said = asyncio.run(_decide(kernel, run_name, answer, gate, step))
    if not said.answered.ours and (said.answered.decision.get("decision") == "approved") is not approved:
        raise _decided_otherwise(said)
    click.echo(_what_was_done(said))
    if said.answered.driven_by:
        click.echo(f"The run goes on: it is driven by {said.answered.driven_by}.")
        return 0
    if resume:
        return _resume(kernel, said.run_id)
    for line in question_lines(said.left, said.run_id, kernel):
        click.echo(line)
    click.echo(f"resume:    {command_line(kernel, 'resume', said.run_id)}")
    return 0


async def _decide(kernel: Kernel, run_name: str, answer: Answer, gate: str, step: str) -> _Said:
    from loopengt.approvals import decide, read_questions
    from loopengt.finding import check_runs_exist, find_run

    check_runs_exist(kernel, run_name)
    async with kernel.storage() as storage:
        run_id = (await find_run(storage, run_name)).run_id
        question = _chosen(await read_questions(storage, run_id), kernel, gate, step)
        answered = await decide(storage, run_id, question["id"], answer)
        left = (await read_questions(storage, run_id)).questions.values()
        return _Said(run_id, question, answered, tuple(left))


# -- which question ------------------------------------------------------------------------------------------------


def _chosen(fold: Fold, kernel: Kernel, gate: str, step: str) -> Mapping[str, Any]:
    """Return the one open question that is meant.

    Raises:
        UsageError: There is none, or more than one.
    """
    from loopengt.cli.retyping import command_line
    from loopengt.errors import UsageError
    from loopengt_cli_run.questions import is_for_resume, outcome_lines, place_of, question_lines

    run_id = fold.run_id
    if fold.end is not None and fold.status.value != "paused":
        raise UsageError(
            f"run {run_id} has ended already: {fold.end.reason.value}",
            remedy=f"See what was decided: {command_line(kernel, 'trace', run_id)}",
        )
    asked = list(fold.questions.values())
    meant = [question for question in asked if _fits(question, gate, step)]
    if not meant:
        raise _nothing_fits(fold, kernel, gate, step)
    if len(meant) > 1:
        raise UsageError(
            f"run {run_id} asks {len(meant)} questions",
            remedy="\n".join(["Say which one is answered:", *question_lines(meant, run_id, kernel)]),
        )
    if is_for_resume(meant[0]):
        raise UsageError(
            f"{place_of(meant[0])} needs no approval: {meant[0].get('question')}",
            remedy="\n".join(["Say what became of it:", *outcome_lines(run_id, kernel, meant)]),
        )
    return meant[0]


def _fits(question: Mapping[str, Any], gate: str, step: str) -> bool:
    name = str(question.get("step") or "")
    # An item of a for_each step is called STEP[INDEX]; the step's own name means all of them.
    return (not gate or question.get("gate") == gate) and (not step or step in (name, name.partition("[")[0]))


def _nothing_fits(fold: Fold, kernel: Kernel, gate: str, step: str) -> UsageError:
    from loopengt.cli.retyping import command_line
    from loopengt.errors import UsageError
    from loopengt_cli_run.questions import question_lines

    asked = list(fold.questions.values())
    if asked:
        meant = " of ".join([f"gate {gate!r}"] * bool(gate) + [f"step {step!r}"] * bool(step))
        lines = ["It asks:", *question_lines(asked, fold.run_id, kernel)]
        return UsageError(f"run {fold.run_id} does not ask for {meant}", remedy="\n".join(lines))
    decided = [known for known in fold.decisions.values() if _fits(known, gate, step)]
    if decided:
        return UsageError(
            f"run {fold.run_id} asks nothing any more: {_in_words(decided[-1])}",
            remedy=f"Go on with it: {command_line(kernel, 'resume', fold.run_id)}",
        )
    return UsageError(
        f"run {fold.run_id} asks nothing",
        remedy=f"See what it does: {command_line(kernel, 'trace', fold.run_id)}",
    )


# -- in words ------------------------------------------------------------------------------------------------------


def _what_was_done(said: _Said) -> str:
    decision = said.answered.decision
    if said.answered.ours:
        from loopengt_cli_run.questions import place_of

        return f"{str(decision['decision']).capitalize()}: {place_of(said.question)} of run {said.run_id}."
    return f"Run {said.run_id}: {_in_words(decision)}."


def _decided_otherwise(said: _Said) -> UsageError:
    from loopengt.errors import UsageError

    return UsageError(f"run {said.run_id}: {_in_words(said.answered.decision)}", remedy="That answer counts.")


def _in_words(decision: Mapping[str, Any]) -> str:
    from loopengt.display import one_line
    from loopengt_cli_run.questions import place_of

    comment = f" ({one_line(decision['comment'])})" if decision.get("comment") else ""
    by = one_line(decision.get("by") or "resume")
    return f"{place_of(decision)} was {one_line(decision.get('decision'))} already by {by}{comment}"


def _person() -> str:
    """Name who types this, as user@host."""
    import getpass
    import platform

    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have no name for its user
        user = "unknown"
    return f"{user}@{platform.node() or 'localhost'}"


def _redacted(comment: str) -> str:
    import os

    from loopengt.journal import clean_text
    from loopengt.redaction import Redactor

    return Redactor.of_environment(os.environ).text(clean_text(comment))


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
