"""The options of the provider ``scripted``."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from loopengt_agent_scripted.script import SHAPE, parse_script
from loopengt_hookspecs.models import Declarative

__all__ = ["ScriptedOptions"]


def _check_file(file: str) -> str:
    path = PurePath(file)
    if not file.strip() or path.is_absolute() or PurePath(os.path.normpath(file)).parts[:1] == ("..",):
        raise ValueError(
            f"the file {file!r} is outside the project: give one inside it, such as answers.yaml"
        )
    return file


class ScriptedOptions(Declarative):
    """Where the answers are."""

    file: Annotated[str, AfterValidator(_check_file)] | None = Field(
        default=None,
        description="File with the answers, relative to the project and inside it: YAML, JSON, or NDJSON "
        "(suffix .ndjson or .jsonl).",
        examples=["answers.yaml"],
    )
    answers: dict[str, Any] | list[Any] | None = Field(
        default=None, description=f"The answers themselves, in place of a file. {SHAPE}"
    )

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.file is None) == (self.answers is None):
            raise ValueError("give either file or answers")
        if self.answers is not None:
            parse_script(self.answers)
        return self
