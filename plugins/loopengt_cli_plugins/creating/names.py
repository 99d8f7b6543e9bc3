"""What a new plugin is called in every place, made of the one name that a person gives."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.naming import normalise, singular
from loopengt_cli_plugins.creating.kinds import KINDS

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_plugins.creating.kinds import Kind

__all__ = ["Names", "check_names", "make_names"]

LONGEST = 28
"""Letters of a name; a longer one would not fit into the lines that are written."""

RESERVED = {
    "contract": "is what the tests of the contract are called",
    "click": "is the package that commands are made with",
    "disabled": "is the key that lists switched-off plugins in config.toml",
    "loopengt": "is loopengt itself",
    "hookspecs": "is the package of the contracts",
    "project": "is the project's own plugin, loopengt_plugins.py",
    "plugins": "is the project's own plugin, loopengt_plugins.py",
    "testing": "is the plugin of the test kit",
    "tests": "is the folder of the tests",
}


@dataclass(frozen=True, slots=True)
class Names:
    """All names of one plugin."""

    component: str
    """``my_judge``: the component, and the plugin."""
    suffix: str
    """What its class ends with, such as ``Judge``."""

    @property
    def distribution(self) -> str:
        """What pip installs: ``loopengt-my-judge``."""
        return f"loopengt-{self.component.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What Python imports: ``loopengt_my_judge``."""
        return f"loopengt_{self.component}"

    @property
    def class_name(self) -> str:
        """``MyJudge``."""
        words = "".join(word.capitalize() for word in self.component.split("_"))
        return words if words.endswith(self.suffix) else words + self.suffix


def make_names(name: str, kind: Kind) -> Names:
    """Normalise a name: lower case, and without the prefix ``loopengt-`` that its distribution has anyhow.

    Raises:
        UsageError: It cannot be the name of a plugin.
    """
    component = normalise(name).removeprefix("loopengt_").strip("_")
    if re.fullmatch(r"[a-z][a-z0-9_]*", component) is None:
        raise UsageError(
            f"{name!r} cannot be the name of a plugin",
            remedy="begin with a letter, then use letters, digits and -, as in my-judge",
        )
    if len(component) > LONGEST:
        raise UsageError(f"{component!r} is longer than {LONGEST} letters", remedy="choose a shorter name")
    return Names(component, "".join(word.capitalize() for word in kind.name.split("-")))


def check_names(names: Names, kind: Kind, kernel: Kernel) -> None:
    """Refuse a name that is taken.

    Raises:
        UsageError: It is reserved, or would stand in the way of something else; the message says of what.
    """
    taken = _taken(names, kind, kernel)
    if taken:
        message = f"{names.component!r} cannot be the plugin's name: {taken}"
        raise UsageError(message, remedy=f"choose another, such as {_other(names, kind)}")


def _taken(names: Names, kind: Kind, kernel: Kernel) -> str:
    name = names.component
    if name in RESERVED:
        return f"it {RESERVED[name]}"
    if name in {other.module for other in KINDS.values()} | {other.components for other in KINDS.values()}:
        return "a kind of plugins is called so"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "it is a word of the language Python"
    if name in sys.stdlib_module_names:
        return f"the module {name!r} of Python's standard library is called so"
    for record in kernel.plugins:
        if name == record.name:
            return f"the plugin {name!r} {_of(record.distribution)}is installed"
        if names.package == normalise(record.distribution):
            return f"the distribution {record.distribution} is installed"
    for component in kernel.components:
        if (component.kind, component.name) == (kind.components, name):
            return f"the plugin {component.plugin!r} registers a {singular(component.kind)} of that name"
    if find_spec(names.package) is not None:
        return f"a package {names.package!r} is installed"
    return ""


def _of(distribution: str) -> str:
    return f"of {distribution} " if distribution else ""


def _other(names: Names, kind: Kind) -> str:
    name = names.component.replace("_", "-")
    return f"my-{name}" if name.endswith(kind.name) else f"{name}-{kind.name}"
