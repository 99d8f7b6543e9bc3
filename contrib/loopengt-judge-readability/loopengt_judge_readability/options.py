"""What a declaration of the judge may say under ``options``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loopengt_judge_readability.formulas import FORMULAS, Formula

__all__ = ["ReadabilityOptions"]


class ReadabilityOptions(BaseModel):
    """How the output is measured, and what is good."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Literal[
        "flesch_reading_ease",
        "flesch_kincaid_grade",
        "gunning_fog",
        "smog",
        "automated_readability_index",
        "coleman_liau",
        "lix",
    ] = Field(default="flesch_reading_ease", description="The formula.")
    language: Literal["en", "de", "es", "fr", "it"] = Field(
        default="en",
        description="Language of the text; languages other than en have flesch_reading_ease and lix.",
    )
    target: float | None = Field(
        default=None,
        ge=-1000,
        le=1000,
        description="Value that scores 1, and so does an easier one; null: the metric's.",
    )
    zero_at: float | None = Field(
        default=None,
        ge=-1000,
        le=1000,
        description="Value that scores 0, harder than the target; null: the metric's.",
    )
    min_words: int = Field(
        default=10,
        ge=1,
        le=100_000,
        description="Fewest words that can be measured; less is an error and no score.",
    )
    markdown: bool = Field(
        default=True,
        description="Whether code, addresses and marks of Markdown are left out before words are counted.",
    )

    @property
    def formula(self) -> Formula:
        """The formula itself."""
        return FORMULAS[self.metric]

    @property
    def scale(self) -> tuple[float, float]:
        """The values that score 1 and 0."""
        formula = self.formula
        return (
            formula.target if self.target is None else self.target,
            formula.zero_at if self.zero_at is None else self.zero_at,
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        formula = self.formula
        if self.language not in formula.languages:
            known = [name for name, other in FORMULAS.items() if self.language in other.languages]
            raise ValueError(
                f"{self.metric} is for {', '.join(formula.languages)}; for {self.language}: {', '.join(known)}"
            )
        target, zero_at = self.scale
        higher_is_easier = formula.target > formula.zero_at
        if target == zero_at or (target > zero_at) != higher_is_easier:
            way = "above" if higher_is_easier else "below"
            raise ValueError(
                f"the target, {target:g}, has to be {way} zero_at, {zero_at:g}: that way {self.metric} is easier"
            )
        return self
