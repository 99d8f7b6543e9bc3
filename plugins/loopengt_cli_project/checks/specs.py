"""Checks of the project's specs: that they are sound, and that the programs they name are there."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loopengt import LoopengtError, SpecError
from loopengt.judging import with_agent
from loopengt.triggering import bind_trigger, trigger_line
from loopengt_cli_project.findings import Finding, Status, from_error, one_line
from loopengt_cli_project.refused import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["check_specs", "find_specs"]

MAIN: Final = "loop.yaml"
SUFFIXES: Final = (".yaml", ".yml")
LARGEST: Final = 1_000_000
"""Bytes of a file that is looked into."""
NOT_SPECS: Final = ("blobs", "logs", "runs", "workspaces")
"""Folders of ``.loopengt`` that runs fill."""
_AGENTS: Final = re.compile(rb"^agents[ \t]*:", re.MULTILINE)
_STEPS: Final = re.compile(rb"^steps[ \t]*:", re.MULTILINE)


def check_specs(kernel: Kernel) -> Iterator[Finding]:
    """Load every spec of the project, and ask engine, agents, tools and gates what is wrong or lacking."""
    _ = kernel.config  # when it is broken, that is to be said once and not of every spec
    paths = list(find_specs(kernel.project))
    if not paths:
        remedy = f"loopengt init {shlex.quote(str(kernel.project))}"
        yield Finding("specs", "warn", f"there is no {MAIN} in {kernel.project}", remedy)
    for path in paths:
        # What lies in .loopengt are templates, which need not work before they are used.
        status: Status = "warn" if path.is_relative_to(kernel.folder) else "fail"
        yield from _check(kernel, path, path.relative_to(kernel.project).as_posix(), status)


def find_specs(project: Path) -> Iterator[Path]:
    """Yield loop.yaml and what else looks like a spec in a project's folder and its ``.loopengt``, sorted."""
    for path in sorted(project.iterdir()):
        if path.name == MAIN or (path.suffix in SUFFIXES and _looks_like_a_loop(path)):
            yield path
    for folder, folders, names in os.walk(project / ".loopengt"):
        folders[:] = sorted(set(folders) - set(NOT_SPECS))
        paths = (Path(folder, name) for name in sorted(names))
        yield from (path for path in paths if path.suffix in SUFFIXES and _looks_like_a_loop(path))


def _looks_like_a_loop(path: Path) -> bool:
    # The text is searched, not parsed: a spec whose YAML is broken is the one that a person wants to hear of.
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST)
    except OSError:
        return False
    return bool(_AGENTS.search(text) and _STEPS.search(text))


def _check(kernel: Kernel, path: Path, name: str, status: Status) -> Iterator[Finding]:
    try:
        spec = kernel.load_spec(path).spec
    except SpecError as error:
        first, *others = error.problems
        more = f" (and {len(others)} more)" if others else ""
        message = f"{name}:{first.line}:{first.column}: {first.message}{more}"
        yield Finding("specs", status, message, f"loopengt validate {shlex.quote(str(path))}")
        return
    except LoopengtError as error:
        yield Finding(
            "specs", status, f"{name} cannot be checked: {one_line(error.message)}", one_line(error.remedy)
        )
        return
    found = [*_refused(kernel, spec), *_missing(kernel, spec)]
    told = set()
    for missing in found:
        problem = from_error("specs", missing, status)
        if problem not in told:  # what cannot be bound lacks just that
            yield Finding("specs", status, f"{name}: {problem.message}", problem.remedy)
        told.add(problem)
    if not found:
        yield Finding(
            "specs", "ok", f"{name}: {spec.name}, and all that it needs is there{_trigger(kernel, spec)}"
        )


def _trigger(kernel: Kernel, spec: LoopSpec) -> str:
    if "trigger" not in spec.model_fields_set:
        return ""
    return f"; trigger {trigger_line(bind_trigger(kernel, spec.trigger, kernel.project))}"


def _refused(kernel: Kernel, spec: LoopSpec) -> Iterator[LoopengtError]:
    try:
        engine = kernel.engine()
    except LoopengtError:  # another check tells of it
        return
    for _, error in refusals(engine, spec):
        yield error


def _missing(kernel: Kernel, spec: LoopSpec) -> Iterator[MissingRequirement | LoopengtError]:
    for role in spec.agents:
        try:
            yield from kernel.get("agents", role.config.provider).bind(role, kernel.project).missing()
        except LoopengtError as error:
            yield error
    given = {name for role in spec.agents for name in role.tools}
    given |= {name for step in spec.steps for name in step.tools}
    for tool in spec.tools:
        if tool.name not in given:
            continue
        try:
            tool_type = kernel.get("tool_types", tool.tool_type)
            yield from tool_type.bind(tool, kernel.project, spec).missing()
        except LoopengtError as error:
            yield error
    for gate in spec.policy.verification_gates:
        try:
            named = with_agent(gate, {role.name: role.config for role in spec.agents})
            yield from kernel.get("gates", gate.kind).bind(named, kernel.project).missing()
        except LoopengtError as error:
            yield error
    if "trigger" not in spec.model_fields_set:
        return
    try:
        yield from bind_trigger(kernel, spec.trigger, kernel.project).trigger.missing()
    except LoopengtError as error:
        yield error
