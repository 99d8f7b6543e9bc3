"""The two pluggy markers of the ``loopengt`` project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pluggy

PROJECT = "loopengt"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a function of this package as a hook specification."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of a hook."""

API_VERSION = (1, 0)
"""Version of the hooks, major and minor.

The minor number grows when something is added: a hook, an argument, a field with a default, a method that loopengt
itself has. The major number grows when something that a plugin may use is taken away or changes its meaning; that has
been deprecated for at least one minor version before. A plugin that is written for 1.2 works where the hooks are 1.2,
1.3 and so on, and neither with 1.1 nor with 2.0. It says so with ``LOOPENGT_API = "1.2"`` in the module of its entry
point, and by the requirement ``loopengt>=…`` of its distribution.
"""

_Hook = TypeVar("_Hook", bound=Callable[..., object])
_MARK = "loopengt_deprecations"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """What is deprecated of a hook."""

    since: str
    """Version of the hooks that deprecates it, such as ``1.1``."""
    removed_in: str
    """Version of the hooks in which it will be gone, such as ``2.0``."""
    use: str
    """What to use in its place."""
    argument: str = ""
    """The argument that is deprecated; empty: the hook itself."""

    def sentence(self, hook: str) -> str:
        """Say it of a hook, as the end of a sentence."""
        what = f"the argument {self.argument!r} of {hook}" if self.argument else hook
        return (
            f"{what}, deprecated since hooks {self.since}, to be removed in {self.removed_in}: use {self.use}"
        )


def deprecated(since: str, removed_in: str, use: str, argument: str = "") -> Callable[[_Hook], _Hook]:
    """Mark a hook specification, or one of its arguments, as deprecated; write it above ``@hookspec``.

    Plugins that use it go on working. ``loopengt doctor`` and ``loopengt plugins list``, ``info`` and ``check`` tell of
    each of them; no Python warning is given, which those who cannot mend the plugin would see.

    Args:
        since: See ``Deprecation``, for this and all others.
        removed_in: See there.
        use: See there.
        argument: See there.
    """

    def mark(hook: _Hook) -> _Hook:
        setattr(hook, _MARK, (*deprecations_of(hook), Deprecation(since, removed_in, use, argument)))
        return hook

    return mark


def deprecations_of(hook: Callable[..., object]) -> tuple[Deprecation, ...]:
    """Return what is deprecated of a hook specification."""
    found: tuple[Deprecation, ...] = getattr(hook, _MARK, ())
    return found
