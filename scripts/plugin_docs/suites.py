"""Renders the contract suite of an extension point: its rules, and what it can be told."""

from __future__ import annotations

import inspect

from loopengt.testing.suites import SUITES, rules, suite_for
from plugin_docs.docstrings import inline

__all__ = ["SUITES", "suite_section"]


def suite_section(kind: str) -> str:
    """Say how the suite is used and which rules it has."""
    suite = suite_for(kind)
    made = "make_engine(self, context)" if kind == "engines" else "make(self, folder)"
    returned = "MyPlugin.from_context(context)" if kind == "engines" else "MyPlugin"
    called = returned if kind in ("engines", "options", "patterns") else f"{returned}()"
    samples = [name for name in _samples(suite) if name not in ("make", "make_engine", "kernel")]
    told = f" It can be told: {', '.join(f'`{name}`' for name in samples)}." if samples else ""
    skeleton = (
        f"from loopengt.testing import {suite.__name__}\n\n\n"
        f"class TestMyPlugin({suite.__name__}):\n    def {made}:\n        return {called}"
    )
    listed = "\n".join(f"- `{name}`: {inline(text)}" for name, text in rules(suite).items())
    return (
        f"A test module that holds this proves that the contract is kept; what the suite can be told, and why, says "
        f"[contract-suites.md](../contract-suites.md).{told}\n\n```python\n{skeleton}\n```\n\nIts rules:\n\n{listed}"
    )


def _samples(suite: type) -> list[str]:
    found: dict[str, None] = {}
    for base in reversed(suite.__mro__[:-1]):
        for name, value in vars(base).items():
            public = not name.startswith(("_", "test_"))
            if (
                public
                and (inspect.isfunction(value) or not callable(value))
                and not isinstance(value, property)
            ):
                found[name] = None
    return list(found)
