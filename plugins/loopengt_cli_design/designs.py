"""What a design is before it is written: the files of a loop, checked, and where they come from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loopengt.errors import ComponentNotFound, LoopengtError, SpecError, UsageError
from loopengt.templates import find_template, find_templates, yaml_scalar
from loopengt_cli_design.fitting import put_value, value_at
from loopengt_cli_design.proposals.checking import SPEC, check_files
from loopengt_cli_design.rules import Choice, Situation, choices, values_of
from loopengt_cli_design.starting import make_start

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt.spec import LoadedSpec
    from loopengt.templates import LoopTemplate
    from loopengt_cli_design.detecting import Worker

__all__ = ["Design", "by_rules", "by_template", "designed", "open_template"]

_LONGEST_NAME: Final = 48
_ASKING: Final = (
    "One agent that works in laps until you approve: no command was recognised that could prove the work."
)


@dataclass(frozen=True, slots=True)
class Design:
    """A loop that can be written."""

    files: Mapping[str, str]
    """Its files by their path; ``loop.yaml`` is the loop."""
    loaded: LoadedSpec
    how: str
    """Who made it of what, in a sentence."""
    why: str
    """Why it is as it is."""
    notes: tuple[str, ...] = field(default=())
    """What was considered, and what a person still has to do; one line each."""


def open_template(kernel: Kernel, name: str) -> LoopTemplate:
    """Read the template of a name, of whichever source.

    Raises:
        LoopengtError: There is none, or it cannot be used.
    """
    if ":" not in name and all(found.name != name for found in find_templates(kernel)):
        kernel.component("templates", name)  # its error names plugins that are not loaded
    return find_template(kernel, name).open()


def by_rules(kernel: Kernel, situation: Situation, workers: list[Worker]) -> Design:
    """Choose a template by rules, and fill it.

    Raises:
        LoopengtError: Not even the template ``starter`` can be had.
    """
    notes: list[str] = []
    for choice, why_not in choices(situation):
        if choice is None:
            notes.append(why_not)
            continue
        try:
            return _filled(kernel, situation, choice, workers, notes)
        except LoopengtError as error:
            if choice.last:
                raise
            notes.append(f"not {choice.template}: {error.message.splitlines()[0]}")
    raise AssertionError("the last choice is made, or raises")


def by_template(kernel: Kernel, situation: Situation, name: str, workers: list[Worker]) -> Design:
    """Fill the template that was asked for.

    Raises:
        LoopengtError: It cannot be used.
        UsageError: There is none, or it needs a value that is not known.
    """
    choice = Choice(name, "it was asked for", values_of(name, situation))
    try:
        return _filled(kernel, situation, choice, workers, [])
    except ComponentNotFound as error:
        raise UsageError(error.message, remedy=error.remedy) from error


def designed(kernel: Kernel, files: Mapping[str, str], how: str, why: str, notes: list[str]) -> Design:
    """Check the files of a loop, and make a design of them.

    Raises:
        UsageError: They are not sound; the message has all problems.
    """
    checked = check_files(kernel, files)
    if checked.loaded is None:
        raise UsageError("\n".join(checked.problems))
    return Design(files, checked.loaded, how, why, tuple(notes))


def _filled(
    kernel: Kernel, situation: Situation, choice: Choice, workers: list[Worker], notes: list[str]
) -> Design:
    template = open_template(kernel, choice.template)
    files = template.fill(_values(template, choice.values, situation.goal))
    text = files[SPEC]
    told: tuple[str, ...] = ()
    asks_person = False
    if not template.about.variables:  # a loop to start from, which is fitted as init does it
        start = make_start(text, situation.findings, workers, ask_person=True)
        text, told, asks_person = start.text, start.notes, start.asks_person
    # That of the template is about checks, of which there are none.
    text = _with_goal(text, situation.goal, alone=asks_person)
    files[SPEC] = _named(text, situation.goal)
    how = f"Made by rules, without a model, of the template {template.name} ({template.source})."
    return designed(
        kernel,
        files,
        how,
        f"{_ASKING if asks_person else _sentence(template.about.description)} Taken because {choice.why}.",
        [*notes, *told],
    )


def _values(template: LoopTemplate, given: Mapping[str, Any], goal: str) -> dict[str, Any]:
    """Return the values for a template; of those that are known only what it takes."""
    values = {name: value for name, value in given.items() if name in template.about.variables}
    if "goal" in template.about.variables:
        values["goal"] = goal
    missing = template.missing(values)
    if missing:
        names = " ".join(f"--set {name}=…" for name in missing)
        raise UsageError(
            f"the template {template.name!r} needs values that cannot be told from goal and project: "
            f"{', '.join(missing)}",
            remedy=f"Give them: loopengt template use {template.name} {names}",
        )
    return values


def _with_goal(text: str, goal: str, *, alone: bool) -> str:
    """Put the goal before that of the template, which may say what must stay as it is; or, alone, in its place."""
    own = value_at(text, ("goal",))
    if not isinstance(own, str) or own.strip() == goal.strip():
        return text
    whole = goal.strip() if alone else f"{goal.strip()}\n{own.strip()}\n"
    return put_value(text, ("goal",), yaml_scalar(whole)) or text


def _named(text: str, goal: str) -> str:
    """Name the loop after its goal, where that has words for it."""
    plain = unicodedata.normalize("NFKD", goal[:400]).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    name = ""
    for word in words:
        if len(name) + len(word) + 1 > _LONGEST_NAME:
            break
        name = f"{name}-{word}" if name else word
    try:
        return put_value(text, ("name",), yaml_scalar(name)) or text if name else text
    except SpecError:
        return text


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
