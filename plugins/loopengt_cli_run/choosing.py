"""Finds the questions of a run that an ``approve``, ``reject`` or ``answer`` means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.cli.retyping import command_line
from loopengt.display import one_line
from loopengt.errors import UsageError
from loopengt_cli_run.questions import (
    is_for_answer,
    is_for_resume,
    numbered,
    outcome_lines,
    place_of,
    question_lines,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt import Kernel
    from loopengt.journal import Fold

__all__ = ["Wanted", "chosen", "decided_in_words"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions are meant."""

    words: bool = False
    """Whether they want words; else an approval."""
    gate: str = ""
    tool: str = ""
    step: str = ""
    number: int | None = None
    every: bool = False
    """All that fit, and not just the only one."""

    def fits(self, question: Mapping[str, Any], number: int | None = None) -> bool:
        """Whether a question is one of those, whatever it wants."""
        name = str(question.get("step") or "")
        return (
            (not self.gate or question.get("gate") == self.gate)
            and (not self.tool or question.get("tool") == self.tool)
            # An item of a for_each step is called STEP[INDEX]; the step's own name means all of them.
            and (not self.step or self.step in (name, name.partition("[")[0]))
            and (self.number is None or self.number == number)
        )

    def in_words(self) -> str:
        """Say what was meant."""
        named = [("gate", self.gate), ("tool", self.tool), ("step", self.step)]
        found = [f"{kind} {name!r}" for kind, name in named if name]
        number = [f"question {self.number}"] if self.number is not None else []
        return " of ".join([*number, *found])


def chosen(fold: Fold, kernel: Kernel, wanted: Wanted) -> list[Mapping[str, Any]]:
    """Return the open questions that are meant: one, unless all are wanted.

    Raises:
        UsageError: There is none, or more than one.
    """
    run_id = fold.run_id
    if fold.end is not None and fold.status.value != "paused":
        raise UsageError(
            f"run {run_id} has ended already: {fold.end.reason.value}",
            remedy=f"See what was decided: {command_line(kernel, 'trace', run_id)}",
        )
    asked = list(fold.questions.values())
    fitting = [question for number, question in numbered(asked).items() if wanted.fits(question, number)]
    meant = [question for question in fitting if is_for_answer(question) is wanted.words]
    if not meant:
        raise _of_another_kind(fold, kernel, wanted, fitting) or _nothing_fits(fold, kernel, wanted)
    if len(meant) > 1 and not wanted.every:
        raise UsageError(
            f"run {run_id} asks {len(meant)} questions",
            remedy="\n".join(
                ["Say which one is answered:", *question_lines(meant, run_id, kernel, among=asked)]
            ),
        )
    return meant


def decided_in_words(decision: Mapping[str, Any]) -> str:
    """Say what became of a question (data of an ``approval.decision`` event)."""
    words = is_for_answer(decision)
    comment = f" ({one_line(decision['comment'])})" if decision.get("comment") else ""
    by = one_line(decision.get("by") or "resume")
    done = one_line(decision.get("decision"))
    if words:
        done = {"approved": "answered", "rejected": "declined"}.get(done, done)
    return f"{place_of(decision)} was {done} already by {by}{comment}"


def _of_another_kind(
    fold: Fold, kernel: Kernel, wanted: Wanted, fitting: list[Mapping[str, Any]]
) -> UsageError | None:
    """Refuse to approve what wants words, and the other way round; None: nothing of the kind is meant."""
    asked, run_id = list(fold.questions.values()), fold.run_id
    if fitting:
        needs = "needs an approval, and no answer" if wanted.words else "needs an answer, and no approval"
        lines = question_lines(fitting, run_id, kernel, among=asked)
        return UsageError(f"{place_of(fitting[0])} {needs}", remedy="\n".join(["It asks:", *lines]))
    cut_short = [question for question in asked if is_for_resume(question) and wanted.fits(question)]
    if cut_short:
        return UsageError(
            f"{place_of(cut_short[0])} needs no approval: {one_line(cut_short[0].get('question'), 300)}",
            remedy="\n".join(["Say what became of it:", *outcome_lines(run_id, kernel, cut_short)]),
        )
    return None


def _nothing_fits(fold: Fold, kernel: Kernel, wanted: Wanted) -> UsageError:
    run_id, asked = fold.run_id, list(fold.questions.values())
    if asked:
        lines = ["It asks:", *question_lines(asked, run_id, kernel)]
        return UsageError(f"run {run_id} does not ask for {wanted.in_words()}", remedy="\n".join(lines))
    decided = [known for known in fold.decisions.values() if wanted.fits(known)]
    if decided:
        return UsageError(
            f"run {run_id} asks nothing any more: {decided_in_words(decided[-1])}",
            remedy=f"Go on with it: {command_line(kernel, 'resume', run_id)}",
        )
    return UsageError(
        f"run {run_id} asks nothing", remedy=f"See what it does: {command_line(kernel, 'trace', run_id)}"
    )
