"""A hook among the entries of a tool's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loopengt_hookspecs.adapters import ConfigEdit

__all__ = ["HookEdit", "root_of"]


@dataclass(frozen=True, slots=True)
class HookEdit(ConfigEdit):
    """A ``ConfigEdit`` that is a hook."""

    root: Mapping[str, Any] = field(default_factory=dict)
    """Keys that the tool wants at the top of the file, such as a version. They are added where they are missing, and
    stay when others have come to need them."""


def root_of(edit: ConfigEdit) -> Mapping[str, Any]:
    """Return the keys that an entry wants at the top of its file."""
    return edit.root if isinstance(edit, HookEdit) else {}
