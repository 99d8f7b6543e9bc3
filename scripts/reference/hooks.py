"""The page of hooks: one line each, with the page that has the whole contract."""

from __future__ import annotations

from importlib import import_module

from loopengt_hookspecs import API_VERSION, EXTENSION_POINTS
from reference.markdown import cell, code, head, table

__all__ = ["hooks_page"]

_INTRODUCTION = """
A plugin registers components by hooks. Each hook has a page with its whole contract, an example and a contract suite.
How to begin: [write a plugin](../plugins/index.md). The version of the hooks is {version}; how they change:
[deprecation](../deprecation.md).
"""


def hooks_page() -> str:
    """Return the page."""
    rows = []
    for kind, where in sorted(EXTENSION_POINTS.items()):
        name = where.partition(":")[0]
        module = import_module(
            name if name.startswith("loopengt_hookspecs") else f"loopengt_hookspecs.{name}"
        )
        summary = (module.__doc__ or "").split("\n\n")[0].removeprefix("Extension point: ")
        summary = f"{summary[:1].upper()}{summary[1:]}"
        rows.append(
            (f"[`loopengt_register_{kind}`](../plugins/{kind}.md)", code(module.__name__), cell(summary))
        )
    version = ".".join(map(str, API_VERSION))
    return "\n".join(
        [
            head("Hooks", _INTRODUCTION.format(version=version)),
            table(("hook", "contract", "what it is for"), rows),
        ]
    )
