"""Every built-in judge, metric and gate passes its suite."""

from __future__ import annotations

from loopengt.testing import JudgeSample

from .builtin import suites

globals().update(
    suites("metrics", often=("completed_steps", "cost_usd", "gate_pass_rate", "total_duration"))
    | suites(
        "judges",
        {
            "exact": {
                "good": [JudgeSample("four", "four"), JudgeSample({"n": [4]}, {"n": [4]})],
                "bad": [JudgeSample("five", "four"), JudgeSample({"n": 5}, {"n": 4})],
            },
            "json_schema": {"options": {"schema": {"type": "integer"}}, "good": [4], "bad": ["four", None]},
            "quality": {"good": ["hello"], "bad": ["hm"]},
        },
    )
    | suites(
        "gates",
        {
            "expression": {
                "declaration": {"condition": "output == 'fine'"},
                "good": ["fine"],
                "bad": ["bad", None],
            },
            "schema": {
                "declaration": {"schema": {"type": "integer"}},
                "good": [4],
                "bad": ["four", None, 4.5],
            },
            "command": {
                "declaration": {"command": ["true"]},
                "slow_declaration": {"command": ["sleep", "30"]},
                "good": ["whatever"],
            },
            "judge": {
                "declaration": {"judge": "quality"},
                "good": ["whatever"],
            },
        },
    )
)
