"""Whether names and summaries are such that a plugin gets on with others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from loopengt.naming import normalise, singular

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt_cli_plugins.checking.findings import ProbedPlugin
    from loopengt_cli_plugins.subjects import Subject

__all__ = ["distribution_problems", "plugin_problems"]

LONGEST_SUMMARY = 100


def distribution_problems(subject: Subject) -> Iterator[str]:
    """Say what is wrong with the names of a distribution and of its packages."""
    if not subject.distribution:
        yield "its pyproject.toml says no name"
    elif not normalise(subject.distribution).startswith("loopengt_"):
        wanted = f"loopengt-{normalise(subject.distribution).replace('_', '-')}"
        yield f"its name {subject.distribution!r} does not begin with loopengt-, by which people look: {wanted}"
    for entry in subject.entries:
        top = entry.module.partition(".")[0]
        if top in sys.stdlib_module_names:
            yield f"its package {top!r} stands in the way of the module of Python's standard library"
        elif not top.startswith("loopengt_"):
            yield f"its package {top!r} does not begin with loopengt_, so it may clash with any other package"


def plugin_problems(subject: Subject, probed: ProbedPlugin, kernel: Kernel) -> Iterator[str]:
    """Say what is wrong with the names and summaries of one plugin, in the company of what is installed."""
    own = normalise(subject.distribution)
    for record in kernel.plugins:
        if record.name == probed.name and normalise(record.distribution) != own:
            owner = record.distribution or record.origin
            yield f"its name {probed.name!r} is also that of a plugin of {owner}: only one of both would be loaded"
    others = {record.name: record.distribution for record in kernel.plugins}
    taken = {
        (component.kind, component.name): component.plugin
        for component in kernel.components
        if normalise(others.get(component.plugin, "")) != own
    }
    for component in probed.components:
        what = f"the {singular(component.kind)} {component.name!r}"
        other = taken.get((component.kind, component.name))
        if other is not None:
            yield f"{what} is also registered by the plugin {other!r}: only one of both would be loaded"
        if component.problem:
            yield f"{what}: {component.problem}"
        for problem in _summary_problems(component.summary):
            yield f"the summary of {what} {problem}: {component.summary!r}"


def _summary_problems(summary: str) -> Iterator[str]:
    text = summary.strip()
    if text.endswith("."):
        yield "ends with a full stop, which listings do not have"
    if len(text) > LONGEST_SUMMARY:
        yield f"has {len(text)} characters, more than {LONGEST_SUMMARY}, and is cut or wrapped in listings"
    if text[:1].islower():
        yield "does not begin with a capital"
