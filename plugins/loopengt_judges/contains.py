"""The judge ``contains``: whether texts are found in the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from loopengt.display import one_line
from loopengt_hookspecs.errors import JudgeError
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.plain import PlainJudge
from loopengt_judges.subjects import ComparingOptions, as_text, judged, reference

if TYPE_CHECKING:
    from loopengt_hookspecs.judges import JudgeRequest

__all__ = ["ContainsJudge"]


class ContainsOptions(ComparingOptions):
    """Options of the judge ``contains``."""

    find: Literal["all", "any", "none"] = Field(
        default="all",
        description="How many of the expected texts must be found, when a list of them is expected.",
    )
    ignore_case: bool = Field(default=False, description="Whether capital letters do not count.")
    partial: bool = Field(
        default=False,
        description="With find: all, whether the score is the share that was found, in place of 0.",
    )


class ContainsJudge(PlainJudge[ContainsOptions]):
    """Looks for the expected text, or each of a list of them, in the output."""

    options = ContainsOptions

    def plan(self) -> str:
        """Say what a verdict does."""
        return f"look for what is expected ({self.chosen.find})"

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Score 1 when they are found, else 0, or the share of those that are.

        Raises:
            JudgeError: Nothing is expected, or an empty text, which is in every output.
        """
        wanted = self._wanted(reference(self.chosen, request))
        text = self._normal(as_text(judged(self.chosen, request)))
        found = [one for one in wanted if self._normal(one) in text]
        missing = [one for one in wanted if one not in found]
        if self.chosen.find == "none":
            return _verdict(0.0 if found else 1.0, "it contains", found)
        if self.chosen.find == "any":
            return _verdict(1.0 if found else 0.0, "it contains none of", missing)
        share = len(found) / len(wanted)
        return _verdict(share if self.chosen.partial else float(not missing), "it does not contain", missing)

    def _wanted(self, expected: Any) -> list[str]:
        wanted = [as_text(one) for one in (expected if isinstance(expected, list) else [expected])]
        if not all(wanted) or not wanted:
            raise JudgeError(
                "what is expected to be contained is empty, and so in every output", remedy="Name a text."
            )
        return list(dict.fromkeys(wanted))

    def _normal(self, text: str) -> str:
        return text.casefold() if self.chosen.ignore_case else text


def _verdict(score: float, words: str, texts: list[str]) -> JudgeVerdict:
    if score == 1:
        return JudgeVerdict(1.0)
    shown = ", ".join(repr(one_line(text, 80)) for text in texts[:10])
    more = f" and {len(texts) - 10} more" if len(texts) > 10 else ""
    return JudgeVerdict(score, f"{words} {shown}{more}")
