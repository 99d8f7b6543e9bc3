"""Whether the import of a plugin's module is cheap: every call of loopengt pays for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_cli_plugins.checking.findings import ProbedPlugin

__all__ = ["import_problems"]

MOST_SECONDS = 0.05

COSTLY = frozenset(
    {
        "asyncio",
        "concurrent",
        "ctypes",
        "http",
        "multiprocessing",
        "sqlite3",
        "ssl",
        "subprocess",
        "unittest",
        "xml",
        "xmlrpc",
    }
)
"""Modules of the standard library whose import takes milliseconds."""


def import_problems(probed: ProbedPlugin) -> Iterator[str]:
    """Say what the import brings along that only those need who use the plugin."""
    costly = [
        name
        for name in probed.modules
        if not name.startswith("_") and (name in COSTLY or name not in sys.stdlib_module_names)
    ]
    taken = f"{probed.seconds * 1e3:.0f} ms"
    remedy = 'register "module:attribute" in place of an object, and import within functions'
    if costly:
        yield f"importing {probed.value} imports {', '.join(costly)} ({taken}): {remedy}"
    elif probed.seconds > MOST_SECONDS:
        yield f"importing {probed.value} takes {taken}, more than {MOST_SECONDS * 1e3:.0f} ms: {remedy}"
