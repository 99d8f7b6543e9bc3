"""Writes a loop that is data as YAML that people like to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from loopengt.errors import SpecError
from loopengt.spec import parse_document

__all__ = ["data_of", "to_yaml"]

_ORDER: Final = (
    "name",
    "version",
    "description",
    "goal",
    "pattern",
    "workspace",
    "trigger",
    "context",
    "mcp_servers",
    "tools",
    "agents",
    "steps",
    "handoff",
    "policy",
    "stop_conditions",
    "output_schema",
    "metadata",
)
_FREE: Final = frozenset(
    {
        "auth",
        "config",
        "context",
        "env",
        "extra",
        "input_schema",
        "inputs",
        "metadata",
        "options",
        "output_schema",
        "return_schema",
        "schema",
        "schema_def",
        "value",
    }
)
"""Keys below which an empty value may mean something."""
_WIDTH: Final = 110
_SHORT: Final = 80


def data_of(output: Any) -> Any:
    """Return the loop that an agent's output is: data, or a text of YAML or JSON.

    Raises:
        SpecError: It is a text, and neither YAML nor JSON.
    """
    return parse_document(output, "loop.yaml").data if isinstance(output, str) else output


def to_yaml(data: Any) -> str:
    """Return a loop as YAML.

    Args:
        data: The loop as JSON data. What is null or empty, and means nothing there, is left out.

    Raises:
        ValueError: It cannot be written so that it is read again as it was.
    """
    shown = _pruned(data)
    if isinstance(shown, Mapping):
        keys = [key for key in _ORDER if key in shown]
        shown = {key: shown[key] for key in [*keys, *(key for key in shown if key not in keys)]}
    try:
        text = yaml.dump(shown, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
        same = parse_document(text).data == shown
    except (yaml.YAMLError, SpecError, RecursionError) as error:
        raise ValueError(f"it cannot be written as YAML: {error}") from None
    if not same:
        raise ValueError("it holds values that YAML does not keep as they are")
    return text


def _pruned(data: Any) -> Any:
    """Return data without keys whose value is null or empty, as models give them that must name every key."""
    if isinstance(data, Mapping):
        return {
            key: value if key in _FREE and value is not None else _pruned(value)
            for key, value in data.items()
            if value is not None and (value or value == 0 or value is False)
        }
    return [_pruned(item) for item in data] if isinstance(data, list) else data


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and short lists of words on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out where it stands."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # A block cannot hold every text; the writer of YAML then takes quotes by itself.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    plain = all(isinstance(item, str | int | float) and "\n" not in str(item) for item in items)
    short = plain and sum(len(str(item)) + 2 for item in items) <= _SHORT
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
