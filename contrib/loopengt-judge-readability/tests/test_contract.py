"""The contract of judges, rule by rule."""

from __future__ import annotations

from pathlib import Path

from loopengt.testing import JudgeContract
from loopengt_hookspecs.judges import JudgeKind

from loopengt_judge_readability.judge import Readability

EASY = "The cat sat on the mat. The sun was warm. A dog came by and ran to the tree. The cat did not care at all."
HARD = (
    "Notwithstanding considerable organisational heterogeneity, interdepartmental communication methodologies "
    "necessitate comprehensive institutional harmonisation, irrespective of predominantly administrative "
    "considerations."
)


class TestReadability(JudgeContract):
    """Easy texts pass, hard ones do not."""

    good = [EASY, {"text": EASY, "note": 7}, [EASY, EASY]]
    bad = [HARD, {"text": HARD}]

    def make(self, folder: Path) -> JudgeKind:
        """Return a new one."""
        return Readability()


class TestGrade(JudgeContract):
    """A metric of which less is easier."""

    options = {"metric": "flesch_kincaid_grade", "target": 6, "zero_at": 16}
    good = [EASY]
    bad = [HARD]

    def make(self, folder: Path) -> JudgeKind:
        """Return a new one."""
        return Readability()
