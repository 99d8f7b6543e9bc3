"""Registers the built-in templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.templates import Template


@hookimpl
def loopengt_register_templates(register: Register[Template]) -> None:
    """Register every template that comes with loopengt."""
    for name, summary in {
        "dependency_upgrade": "Raises outdated dependencies until none is left and the tests pass",
        "docs_sync": "Finds where the documentation says other than the code does, and mends it",
        "fix_ci": "Mends the code until what the continuous integration runs succeeds",
        "handoff_loop": "Hands a text from agent to agent, and each adds to it",
        "planner_executor": "Plans the work as a list of tasks, does them, and checks the whole",
        "ralph": "Works through a plan file, one item a lap, each lap with a fresh context",
        "research_architect": "Asks what has to be known, researches it, and designs on what was found",
        "reviewer_retry": "Writes a document, reviews it, and revises it until the review passes",
        "starter": "One agent that works in laps until every check passes",
        "supervisor_workers": "A supervisor sends workers to research, implement, test and sum up",
        "test_coverage": "Writes tests until the coverage reaches a threshold",
    }.items():
        register(name, f"loopengt_templates.folders:{name.upper()}", summary=summary)
