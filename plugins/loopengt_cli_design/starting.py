"""Makes the first loop of a project: the template ``starter``, fitted to the project and the machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from loopengt_cli_design.fitting import add_key, put_value, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_cli_design.detecting import Check, Findings, Worker

__all__ = ["SPEC", "Start", "cli_order", "make_start"]

SPEC = "loop.yaml"
"""The file of a template that holds the loop."""

_AGENT: Final = ("agents", 0, "config")
_GATES: Final = ("policy", "verification_gates")
_USED_GATES: Final = ("steps", 0, "verification_gates")
_SAYS_AND_FAILS: Final = re.compile(r"echo [^;&|]*>&2; exit 1")

_PERSON: Final = """\
# No command was recognised that could tell. As soon as there is one, let it go first, here and in the step:
#   - {name: tests, kind: command, command: [make, test]}
- name: approval
  description: Is this what was asked for?
  kind: approval
"""
"""A gate for work that no command can prove."""

_TOOLS: Final = ("read_file", "list_files", "search_text", "edit_file", "write_file")
"""What a model needs to work on files; a coding CLI has tools of its own."""


class Start(NamedTuple):
    """A first loop."""

    text: str
    notes: tuple[str, ...]
    """What was found for it, and what a person still has to write; one line each."""
    lacks_check: bool = False
    """Whether it is not yet said what proves the work."""
    asks_person: bool = False
    """Whether a person is asked after each lap."""


def make_start(
    template: str, findings: Findings, workers: Sequence[Worker], *, ask_person: bool = False
) -> Start:
    """Fit a template's spec to a project.

    A command that only says something and fails, ``echo … >&2; exit 1``, stands for one that is still to be
    chosen: that of the first agent, and that of the first gate. Everything else stays as it is.

    Args:
        template: The spec's text.
        findings: What the project's files speak of.
        workers: The providers that this machine can use.
        ask_person: Whether, without any check, a person is asked after each lap; else the gate stays as it is,
            and fails.
    """
    text, agent = _with_agent(template, workers)
    text, checks = _with_checks(text, findings.checks)
    lacking = _lacks_check(text)
    asked = _with_person(text) if lacking and ask_person else None
    if asked is not None:
        checks = f"check: none was recognised, so you are asked after each lap; write one into {SPEC} when there is one"
        text = asked
    return Start(text, tuple(filter(None, (agent, checks))), lacking, asked is not None)


def cli_order(workers: Sequence[Worker]) -> list[str]:
    """Return the coding CLIs to choose from; empty when there is no choice."""
    names = [worker.provider for worker in workers if worker.kind == "cli"]
    return names if len(names) > 1 else []


def _with_agent(text: str, workers: Sequence[Worker]) -> tuple[str, str]:
    if not _is_open(value_at(text, (*_AGENT, "extra", "command"))):
        return text, ""
    clis = [worker for worker in workers if worker.kind == "cli"]
    others = [worker for worker in workers if worker.kind == "service"]
    if not clis and others:
        return _with_model(text, others[0])
    if len(clis) == 1:
        name = clis[0].provider
        value = (
            f"provider: {name}\n"
            "extra:\n"
            "  permissions: edit # files of the workspace; with full it may run everything, unasked\n"
        )
        return _put_agent(text, value, name, f"{name}, which is installed")
    if clis:
        names = ", ".join(worker.provider for worker in clis)
        value = "provider: auto # the first of [agents] auto in .loopengt/config.toml that can be used\n"
        return _put_agent(text, value, "auto", f"auto, the first of {names}")
    value = "provider: auto # whichever coding CLI is installed when the loop is run; there is none yet\n"
    note = "auto, but nobody is here yet: install a coding CLI, such as claude, codex or gemini"
    return _put_agent(text, value, "auto", note)


def _put_agent(text: str, value: str, provider: str, note: str) -> tuple[str, str]:
    fitted = put_value(text, _AGENT, value)
    if fitted is None:
        return text, f"agent: write the provider {provider} into {SPEC}"
    return fitted, f"agent: {note}"


def _with_model(text: str, worker: Worker) -> tuple[str, str]:
    """Let a model do the work, with tools that reach no further than the workspace."""
    model = f"model {worker.model}" if worker.model else "its default model"
    value = f"provider: {worker.provider}\n"
    value += f"model: {worker.model} # any model of the service that calls tools\n" if worker.model else ""
    tools = "".join(f"- {{name: {name}, tool_type: builtin}}\n" for name in _TOOLS)
    fitted = put_value(text, _AGENT, value)
    fitted = fitted and add_key(fitted, _AGENT, "tools", f"[{', '.join(_TOOLS)}]")
    fitted = fitted and add_key(fitted, ("agents",), "tools", tools)
    if fitted is None:
        return text, f"agent: write the provider {worker.provider}, and tools for it, into {SPEC}"
    return fitted, f"agent: {worker.provider} ({model}), whose key is set, with tools for files"


def _with_checks(text: str, checks: Sequence[Check]) -> tuple[str, str]:
    if not _lacks_check(text):
        return text, ""
    if not checks:
        return text, f"check: no test command was recognised; write yours into {SPEC}"
    shown = ", ".join(check.shown for check in checks)
    fitted = put_value(text, _GATES, "".join(check.gate for check in checks))
    fitted = fitted and put_value(fitted, _USED_GATES, f"[{', '.join(check.name for check in checks)}]")
    if fitted is None:
        return text, f"checks: write them into {SPEC}: {shown}"
    return fitted, f"checks: {shown}"


def _with_person(text: str) -> str | None:
    fitted = put_value(text, _GATES, _PERSON)
    fitted = fitted and put_value(fitted, _USED_GATES, "[approval]")
    return fitted and put_value(fitted, ("description",), "Laps of work until you approve it.")


def _lacks_check(text: str) -> bool:
    return _is_open(value_at(text, (*_GATES, 0, "command")))


def _is_open(command: object) -> bool:
    return isinstance(command, str) and _SAYS_AND_FAILS.fullmatch(command) is not None
