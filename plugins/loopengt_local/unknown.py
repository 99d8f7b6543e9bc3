"""Steps with ``effects: once`` that were under way when a run was lost: nobody knows whether they were done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.models import End, EndReason
from loopengt_local.control import EndRun
from loopengt_local.requests import idempotency_key

if TYPE_CHECKING:
    from loopengt.journal import OpenStep
    from loopengt_hookspecs.engines import UnknownOutcome, UnknownOutcomes
    from loopengt_local.recorded import RecordedRun

__all__ = ["CutShort"]


class CutShort:
    """The steps of a resumed run of which a person has to say how they ended.

    Args:
        run: The run, its recorded part replayed.
        given: What was said.
    """

    def __init__(self, run: RecordedRun, given: UnknownOutcomes) -> None:
        self._run = run
        self._open = {name: opened for name, opened in run.fold.open.items() if self._is_unknown(opened)}
        self._answers: dict[str, UnknownOutcome] = {
            name: self._answer(name, opened, given) for name, opened in self._open.items()
        }

    def settle(self, step: str) -> UnknownOutcome:
        """Write down what was said of a step, and return it.

        Raises:
            EndRun: Something was not said of this step, or of another: the run pauses, and asks. To begin one of
                them again while another waits for its answer would be to cut it short once more.
        """
        if "ask" in self._answers.values():
            for name, answer in self._answers.items():
                if answer == "ask" and self._key(name) not in self._run.fold.questions:
                    self._note("approval.request", name, {"question": _question(name)})
            raise EndRun(End(EndReason.APPROVAL_REQUIRED, _question(step)))
        answer = self._answers[step]
        self._note("approval.decision", step, {"decision": answer})
        return answer

    def _is_unknown(self, opened: OpenStep) -> bool:
        step = self._run.compiled.steps.get(opened.declared)
        unanswered = opened.invoked and opened.response is None and opened.error is None
        # Of a child run, its own journal knows what was done.
        return step is not None and step.once and step.child is None and unanswered

    def _answer(self, name: str, opened: OpenStep, given: UnknownOutcomes) -> UnknownOutcome:
        if isinstance(given, str):  # one word cannot answer for several: one may have been done, another not
            return given if len(self._open) == 1 else "ask"
        return given.get(name, given.get(opened.declared, "ask"))

    def _key(self, name: str) -> str:
        opened = self._open[name]
        return idempotency_key(self._run.run_id, name, opened.occurrence, opened.attempt)

    def _note(self, kind: str, name: str, data: dict[str, str]) -> None:
        attempt = self._open[name].attempt
        known = {"id": self._key(name), "kind": "unknown_outcome", "step": name, "attempt": attempt}
        self._run.journal.note(kind, name, known | data)


def _question(step: str) -> str:
    return (
        f"step {step!r} (effects: once) was under way when the run was lost; it may or may not have been done"
    )
