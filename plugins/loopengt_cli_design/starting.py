"""Makes the first loop of a project: the template ``starter``, fitted to the project and the machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from loopengt_cli_project.detecting import find_checks, find_helper
from loopengt_cli_project.fitting import put_value, value_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SPEC", "Start", "make_start"]

SPEC = "loop.yaml"
"""The file of a template that holds the loop."""

_OPTIONS: Final = ("agents", 0, "config", "extra")
_GATES: Final = ("policy", "verification_gates")
_USED_GATES: Final = ("steps", 0, "verification_gates")
_SAYS_AND_FAILS: Final = re.compile(r"echo [^;&|]*>&2; exit 1")


class Start(NamedTuple):
    """A first loop."""

    text: str
    notes: tuple[str, ...]
    """What was found for it, and what a person still has to write; one line each."""


def make_start(template: str, project: Path, environ: Mapping[str, str]) -> Start:
    """Fit a template's spec to a project.

    A command that only says something and fails, ``echo … >&2; exit 1``, stands for one that is still to be
    chosen: that of the first agent, and that of the first gate. Everything else stays as it is.

    Args:
        template: The spec's text.
        project: The project folder.
        environ: The environment.
    """
    text, agent = _with_helper(template, project, environ)
    text, checks = _with_checks(text, project)
    return Start(text, tuple(filter(None, (agent, checks))))


def _with_helper(text: str, project: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    if not _is_open(value_at(text, (*_OPTIONS, "command"))):
        return text, ""
    helper = find_helper(project, environ)
    if helper is None:
        return text, f"agent: none of claude, codex, gemini is on PATH; write yours into {SPEC}"
    fitted = put_value(text, _OPTIONS, helper.options)
    if fitted is None:
        return text, f"agent: {helper.program} is on PATH; write its command into {SPEC}"
    return fitted, f"agent: {helper.program}, which is on PATH"


def _with_checks(text: str, project: Path) -> tuple[str, str]:
    if not _is_open(value_at(text, (*_GATES, 0, "command"))):
        return text, ""
    checks = find_checks(project)
    if not checks:
        return text, f"check: no test command was recognised; write yours into {SPEC}"
    shown = ", ".join(check.shown for check in checks)
    fitted = put_value(text, _GATES, "".join(check.gate for check in checks))
    fitted = fitted and put_value(fitted, _USED_GATES, f"[{', '.join(check.name for check in checks)}]")
    if fitted is None:
        return text, f"checks: write them into {SPEC}: {shown}"
    return fitted, f"checks: {shown}"


def _is_open(command: object) -> bool:
    return isinstance(command, str) and _SAYS_AND_FAILS.fullmatch(command) is not None
