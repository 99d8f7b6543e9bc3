"""Writes YAML: cases, suites, and files of other tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from loopengt_evals.formats.collected import Cases

__all__ = ["dump", "to_lines", "to_yaml"]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values each time they occur."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dump(data: Any) -> str:
    """Return data as YAML, keys in their order."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def to_lines(found: Cases) -> str:
    """Return the cases as JSON lines, which suites read whatever their size."""
    return "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in found.with_own_judges())


def to_yaml(found: Cases, *, source: str, loop: str | None) -> str:
    """Return a file: with a loop an evals.yaml, without one a file of cases for ``cases:`` of one.

    Args:
        found: The cases.
        source: Name of the file that they come from.
        loop: The loop, as evals.yaml is to name it.
    """
    name = "".join(char if char.isprintable() else " " for char in source)
    head = f"# Imported from {name} ({found.format}).\n"
    if loop is None:
        return head + dump(found.with_own_judges())
    suite: dict[str, Any] = {"name": found.name, "loop": loop}
    if found.repeat > 1:
        suite["repeat"] = found.repeat
    if found.judges:
        suite["judges"] = found.judges
    return head + dump(suite | {"cases": found.cases})
