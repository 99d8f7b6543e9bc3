"""Makes the first loop of a project: the template ``starter``, fitted to the project and the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loopengt_cli_project.detecting import find_checks, find_helper
from loopengt_cli_project.fitting import put_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SPEC", "Start", "make_start"]

SPEC = "loop.yaml"
"""The file of a template that holds the loop."""


class Start(NamedTuple):
    """A first loop."""

    text: str
    notes: tuple[str, ...]
    """What was found for it, and what a person still has to write; one line each."""


def make_start(template: str, project: Path, environ: Mapping[str, str]) -> Start:
    """Fit a template's spec to a project.

    Args:
        template: The spec's text; one that is written in another way than ``starter`` stays as it is.
        project: The project folder.
        environ: The environment.
    """
    text, agent = _with_helper(template, project, environ)
    text, checks = _with_checks(text, project)
    return Start(text, tuple(filter(None, (agent, checks))))


def _with_helper(text: str, project: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    helper = find_helper(project, environ)
    if helper is None:
        return (
            text,
            f"agent: none of claude, codex, gemini is on PATH; write your agent's command into {SPEC}",
        )
    fitted = put_value(text, ("agents", 0, "config", "extra"), helper.options)
    return fitted, f"agent: {helper.program}, which is on PATH" if fitted != text else ""


def _with_checks(text: str, project: Path) -> tuple[str, str]:
    checks = find_checks(project)
    if not checks:
        return text, f"check: no test command was recognised; write yours into {SPEC}"
    fitted = put_value(text, ("policy", "verification_gates"), "".join(check.gate for check in checks))
    fitted = put_value(
        fitted, ("steps", 0, "verification_gates"), f"[{', '.join(check.name for check in checks)}]"
    )
    return fitted, f"checks: {', '.join(check.shown for check in checks)}" if fitted != text else ""
