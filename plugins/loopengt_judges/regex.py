"""The judge ``regex``: whether the output matches a regular expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from loopengt.display import one_line
from loopengt.searching import PatternError, found_in
from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.plain import PlainJudge
from loopengt_judges.subjects import OutputOptions, as_text, judged

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["RegexJudge"]


class RegexOptions(OutputOptions):
    """Options of the judge ``regex``."""

    pattern: str = Field(description="Regular expression, as Python has them.", min_length=1)
    ignore_case: bool = Field(default=False, description="Whether capital letters do not count.")
    multiline: bool = Field(default=False, description="Whether ^ and $ also match at line ends.")
    dot_all: bool = Field(default=False, description="Whether a dot also matches a line end.")
    full: bool = Field(
        default=False, description="Whether the whole text must match, in place of a part of it."
    )
    negate: bool = Field(default=False, description="Whether it is good when it does not match.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @property
    def flags(self) -> int:
        """Those of the module ``re``."""
        chosen = (
            (self.ignore_case, re.IGNORECASE),
            (self.multiline, re.MULTILINE),
            (self.dot_all, re.DOTALL),
        )
        return sum(int(flag) for said, flag in chosen if said)


class RegexJudge(PlainJudge[RegexOptions]):
    """Searches the output, in bounded time."""

    options = RegexOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        how = "match" if self.chosen.full else "search for"
        return f"{how} {one_line(self.chosen.pattern, 80)}{', which must not be there' if self.chosen.negate else ''}"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score 1 when it matches, else 0.

        Raises:
            JudgeError: The search took too long.
        """
        chosen = self.chosen
        text = as_text(judged(chosen, request))
        try:
            found = await found_in(chosen.pattern, text, self.project, flags=chosen.flags, whole=chosen.full)
        except PatternError as error:
            raise JudgeError(f"whether it matches {chosen.pattern!r} is unknown: {error}") from None
        if found is not chosen.negate:
            return JudgeVerdict(1.0)
        return JudgeVerdict(0.0, f"it {'matches' if found else 'does not match'} {chosen.pattern!r}")
