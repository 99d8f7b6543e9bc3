"""Makes plugins out of components, for kernels of suites."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from loopengt_hookspecs import hookimpl

__all__ = ["plugin_with"]


def plugin_with(kind: str, name: str, target: Any) -> object:
    """Return a plugin that registers one component.

    Args:
        kind: Plural name of the extension point.
        name: Name of the component.
        target: What is registered.
    """

    def register_it(register: Any) -> None:
        register(name, target, summary="The component under test")

    hook = f"loopengt_register_{kind}"
    register_it.__name__ = hook
    return SimpleNamespace(**{hook: hookimpl(register_it)})
