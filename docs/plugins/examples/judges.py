"""A judge: which share of the words that are asked for does the output have?"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.judges import JudgeKind, JudgeRequest, JudgeVerdict
from loopengt_hookspecs.models import JudgeSpec
from loopengt_hookspecs.registration import Register


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: list[str] = Field(
        default=["please"], min_length=1, description="Words that the output should have."
    )


class Mentions:
    options = Options
    asks = False  # it asks no agent

    def bind(self, spec: JudgeSpec, project: Path) -> "MentionsJudge":
        return MentionsJudge(Options.model_validate(spec.options).words)


class MentionsJudge:
    def __init__(self, words: list[str]) -> None:
        self._words = words

    def plan(self) -> str:
        return f"look for {', '.join(self._words)}"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        text = str(request.output).casefold()
        absent = [word for word in self._words if word.casefold() not in text]
        told = f"It does not mention: {', '.join(absent)}." if absent else "It mentions every word."
        return JudgeVerdict(1 - len(absent) / len(self._words), told)


@hookimpl
def loopengt_register_judges(register: Register[JudgeKind]) -> None:
    register("mentions", Mentions, summary="The share of wanted words that the output has")
