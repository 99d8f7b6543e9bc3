"""Registers the judges, and the gate kind judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.gates import GateKind
    from loopengt_hookspecs.judges import JudgeKind
    from loopengt_hookspecs.registration import Register

_JUDGES = (
    ("command", "command:CommandJudge", "A program scores the output"),
    ("contains", "contains:ContainsJudge", "What was expected is found in the output"),
    ("exact", "exact:ExactJudge", "The output is what was expected"),
    ("expression", "expression:ExpressionJudge", "The value of an expression is the score"),
    (
        "goal_achievement",
        "goal_achievement:GoalAchievementJudge",
        "An agent scores how far the goal is reached",
    ),
    ("json_schema", "json_schema:JsonSchemaJudge", "The output satisfies a JSON Schema"),
    ("pairwise", "pairwise:PairwiseJudge", "An agent says whether the output is better than another"),
    ("quality", "quality:QualityJudge", "An agent scores how good the output is"),
    ("regex", "regex:RegexJudge", "The output matches a regular expression"),
    ("rubric", "rubric:RubricJudge", "An agent scores the output by criteria"),
    ("similarity", "similarity:SimilarityJudge", "How near the output is to what was expected"),
)


@hookimpl
def loopengt_register_gates(register: Register[GateKind]) -> None:
    """Register judge."""
    register("judge", "loopengt_judges.gate:JudgeGates", summary="A judge's score on the output")


@hookimpl
def loopengt_register_judges(register: Register[JudgeKind]) -> None:
    """Register the built-in judges."""
    for name, place, summary in _JUDGES:
        register(name, f"loopengt_judges.{place}", summary=summary)
