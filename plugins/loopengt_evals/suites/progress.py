"""Shows how an evaluation gets on: one line that is written over on a terminal, a line a trial elsewhere."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from loopengt.display import first_line, one_line, visible

if TYPE_CHECKING:
    from loopengt_evals.suites.trials import Trial

__all__ = ["Lines", "progress_for_stderr"]

_CLEAR = "\r\x1b[2K"


class Lines:
    """Writes to stderr.

    Args:
        live: Whether one line is written over.
        quiet: Write nothing.
        label: What is run, when there are several evaluations.
    """

    def __init__(self, *, live: bool, quiet: bool = False, label: str = "") -> None:
        self._live = live
        self._quiet = quiet
        self._label = f"{visible(label)}: " if label else ""
        self._trials = self._done = self._passed = self._failed = self._errors = 0
        self._cost = 0.0

    def begin(self, trials: int, done: int) -> None:
        """Say how much there is to do."""
        self._trials, self._done = trials, done
        before = f", {done} of them done before" if done else ""
        self._say(f"{self._label}{trials} trial{'' if trials == 1 else 's'}{before}")
        self._status()

    def trial(self, trial: Trial) -> None:
        """Say what became of a trial."""
        self._done += 1
        self._passed += trial.passed is True
        self._failed += trial.passed is False
        self._errors += bool(trial.error)
        self._cost += trial.cost_usd
        if not self._live or not trial.passed:
            self._say(f"[{self._done}/{self._trials}] {_told(trial)}")
        self._status()

    def end(self) -> None:
        """Take the live line away."""
        if self._live and not self._quiet:
            self._write(_CLEAR)

    def _status(self) -> None:
        if self._live and not self._quiet:
            errors = f", {self._errors} without a verdict" if self._errors else ""
            line = (
                f"{self._label}{self._done}/{self._trials}  {self._passed} passed, {self._failed} failed{errors}"
                f"  ${self._cost:.4f}"
            )
            self._write(_CLEAR + line[: shutil.get_terminal_size().columns - 1])

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._write(f"{_CLEAR if self._live else ''}{line}\n")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # nobody reads it any more
            sys.stderr.write(text)
            sys.stderr.flush()


def _told(trial: Trial) -> str:
    verdict = "passed" if trial.passed else "FAILED" if trial.passed is False else "no verdict"
    why = f": {first_line(trial.why, 160)}" if not trial.passed else ""
    return f"{visible(one_line(trial.case, 60))} #{trial.number} {verdict}{why}"


def progress_for_stderr(*, quiet: bool = False, label: str = "") -> Lines:
    """Return what suits this process's stderr."""
    return Lines(live=sys.stderr.isatty(), quiet=quiet, label=label)
