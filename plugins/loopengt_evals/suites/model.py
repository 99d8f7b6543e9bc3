"""The models of evals.yaml: a suite, its cases, and what it asks of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from loopengt_hookspecs.models import Declarative, NamedJudge

__all__ = ["CasesFile", "EvalCase", "EvalSuite", "FileFrom", "Limit", "SuiteBudget"]


def _visible(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise ValueError(f"{name!r} is blank or has unprintable characters: use visible characters only")
    return name


def _as_text(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole else value


Label = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_visible)]
"""1 to 128 visible characters."""

CaseId = Annotated[Label, BeforeValidator(_as_text)]
"""A label; a whole number is taken as text."""


class FileFrom(Declarative):
    """A file of a case that lies beside the suite."""

    source: str = Field(
        alias="from", min_length=1, description="Path of the file, relative to the file that names it."
    )


class EvalCase(Declarative):
    """One case: what a loop is given, and what is expected of it."""

    id: CaseId = Field(description="What the case is called; no two cases of a suite are called the same.")
    description: str = Field(default="", max_length=2048, description="What the case is about.")
    inputs: dict[str, Any] = Field(
        default_factory=dict, description="Values of the loop's context that differ from what the loop says."
    )
    files: dict[str, str | FileFrom] = Field(
        default_factory=dict,
        description="Files that are laid into the workspace, by their relative paths: the content, or {from: PATH}.",
    )
    expected: Any = Field(default=None, description="What judges compare the output with; null: nothing.")
    expected_file: str | None = Field(
        default=None,
        min_length=1,
        description="A file with what is expected, in place of expected: .json and .yaml as data, others as text.",
    )
    judges: list[NamedJudge] = Field(
        default_factory=list, description="Judges of this case, beside those of the suite."
    )
    tags: list[Label] = Field(default_factory=list, description="What the case can be chosen by, with --tag.")
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything else.")
    repeat: int | None = Field(
        default=None, ge=1, le=10_000, description="Trials of this case; null: as the suite says."
    )

    @model_validator(mode="after")
    def _one_expectation(self) -> EvalCase:
        if self.expected is not None and self.expected_file is not None:
            raise ValueError(f"the case {self.id!r} has both expected and expected_file: keep one of them")
        return self


class CasesFile(Declarative):
    """A file with cases."""

    file: str = Field(min_length=1, description="Path of the file, relative to the suite.")
    format: Literal["yaml", "json", "jsonl", "csv"] | None = Field(
        default=None, description="How it is written; null: as its suffix says."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="What the file's columns, or keys, become: id, expected, tags, repeat, description, "
        "inputs.NAME, files.PATH, metadata.NAME, or empty for what is left out.",
    )


class Limit(Declarative):
    """What is asked of one figure: of its mean over the trials, and of its change against another evaluation."""

    min: float | None = Field(default=None, description="Lowest mean that is good enough.")
    max: float | None = Field(default=None, description="Highest mean that is good enough.")
    min_difference: float = Field(
        default=0.0,
        ge=0,
        description="A change for the worse counts only when it is at least so large, in the figure's own unit.",
    )


class SuiteBudget(Declarative):
    """When no further trial is begun."""

    max_cost_usd: float | None = Field(
        default=None, gt=0, description="US dollars that all runs and judges may cost together."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, description="Tokens that all runs and judges may use together."
    )


def _limit(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"min": value} if number else value


def _shape_of_cases(value: Any) -> str:
    if isinstance(value, list):
        return "list[]"
    return "str" if isinstance(value, str) else "mapping[]"


Cases = Annotated[
    Annotated[list[EvalCase], Tag("list[]")]
    | Annotated[str, Field(min_length=1), Tag("str")]
    | Annotated[CasesFile, Tag("mapping[]")],
    Discriminator(_shape_of_cases),
]


class EvalSuite(Declarative):
    """The whole of an evals.yaml: a loop, cases for it, and who judges what comes of them."""

    name: Label = Field(description="Name of the suite.")
    description: str = Field(default="", max_length=4096, description="What the suite is for.")
    loop: str = Field(min_length=1, description="The loop's file or folder, relative to the suite.")
    cases: Cases = Field(
        description="The cases, or the path of a YAML, JSON, JSONL or CSV file with them, or {file, format, columns}."
    )
    judges: list[NamedJudge] = Field(default_factory=list, description="Who judges every case.")
    metrics: list[str] = Field(
        default_factory=list, description="Metrics to report; empty: cost, tokens, turns and duration."
    )
    passes: str | None = Field(
        default=None,
        min_length=1,
        description="Expression that says whether a trial is a success; null: the run has reached its goal, and every "
        "judge passed it.",
    )
    repeat: int = Field(default=1, ge=1, le=10_000, description="Trials of each case.")
    concurrency: int = Field(default=4, ge=1, le=256, description="Trials at once.")
    timeout_seconds: float | None = Field(
        default=None, gt=0, description="Seconds that one run may take; null: as the loop's policy says."
    )
    budget: SuiteBudget = Field(default_factory=SuiteBudget, description="When no further trial is begun.")
    isolation: Literal["copy", "empty"] = Field(
        default="copy",
        description="What each trial works in, together with the files of its case: a copy of the project, or an "
        "empty folder.",
    )
    thresholds: dict[str, Annotated[Limit, BeforeValidator(_limit)]] = Field(
        default_factory=dict,
        description="What is asked of figures: success_rate, a metric, or judge.NAME. A number is the least mean.",
    )
    level: float = Field(
        default=0.95, ge=0.5, lt=1, description="Confidence level of intervals and comparisons, 0.5 to 1."
    )
    metadata: dict[str, Any] = Field(default_factory=dict, description="Anything else.")
