"""The judge ``exact``: whether the output is what was expected."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from pydantic import Field

from loopengt.display import one_line
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.plain import PlainJudge
from loopengt_judges.subjects import ComparingOptions, as_text, judged, reference

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["ExactJudge"]


class ExactOptions(ComparingOptions):
    """Options of the judge ``exact``."""

    strip: bool = Field(default=True, description="Whether spaces around a text do not count.")
    ignore_case: bool = Field(default=False, description="Whether capital letters do not count.")
    ignore_whitespace: bool = Field(
        default=False, description="Whether all runs of spaces, tabs and line ends in a text are alike."
    )
    tolerance: float | None = Field(
        default=None,
        ge=0,
        description="How far numbers may differ, also those in texts that are one; null: not at all.",
    )


class ExactJudge(PlainJudge[ExactOptions]):
    """Compares the output with what was expected.

    Data is compared with data as JSON: ``1`` is ``1.0`` and not ``true``, and the order of keys does not count. Where
    one is text and the other is not, the text is read as JSON.
    """

    options = ExactOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return "compare with what is expected"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score 1 when they are the same, else 0.

        Raises:
            JudgeError: Nothing is known of what was expected.
        """
        found, expected = judged(self.chosen, request), reference(self.chosen, request)
        if isinstance(found, str) is not isinstance(expected, str):
            found, expected = _as_data(found), _as_data(expected)
        if self._same(found, expected):
            return JudgeVerdict(1.0)
        shown = (
            f"it is {one_line(as_text(found), 200)!r}, and {one_line(as_text(expected), 200)!r} is expected"
        )
        return JudgeVerdict(0.0, shown)

    def _same(self, one: Any, other: Any, depth: int = 0) -> bool:
        if depth > 200:
            return False
        if isinstance(one, str) and isinstance(other, str):
            return self._same_text(one, other)
        if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
            return one is other
        if isinstance(one, int | float) and isinstance(other, int | float):
            return self._near(one, other)
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(
                self._same(value, other[key], depth + 1) for key, value in one.items()
            )
        if isinstance(one, list) and isinstance(other, list):
            return len(one) == len(other) and all(
                self._same(left, right, depth + 1) for left, right in zip(one, other, strict=True)
            )
        return False

    def _same_text(self, one: str, other: str) -> bool:
        texts = [self._normal(one), self._normal(other)]
        if texts[0] == texts[1]:
            return True
        if self.chosen.tolerance is None:
            return False
        numbers = [_number(text) for text in texts]
        return None not in numbers and self._near(*numbers)  # type: ignore[arg-type]  # none of them is None

    def _normal(self, text: str) -> str:
        chosen = self.chosen
        text = " ".join(text.split()) if chosen.ignore_whitespace else text
        text = text.strip() if chosen.strip else text
        return text.casefold() if chosen.ignore_case else text

    def _near(self, one: float, other: float) -> bool:
        try:
            return one == other or abs(one - other) <= (self.chosen.tolerance or 0.0)
        except OverflowError:
            return False


def _as_data(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
