"""Which version of the hooks a plugin is written for, and whether this loopengt has it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import loopengt_hookspecs
from loopengt import __version__
from loopengt.errors import PluginError
from loopengt.naming import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DECLARATION", "check_declared", "check_requirements", "check_source", "check_text"]

DECLARATION = "LOOPENGT_API"
"""Name of the text in a plugin's module that says which version of the hooks it needs, such as ``"1.0"``."""

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;()@]*)\)?\s*$")
_LOWER_BOUND = re.compile(r"(===?|~=|>=?)\s*v?(\d+(?:\.\d+)*)")


def check_requirements(requires: Iterable[str]) -> None:
    """Refuse a distribution that requires a newer loopengt than this one.

    Only lower bounds count, as installers that were told to overlook them leave them unmet; a requirement with a
    condition behind it is not looked at. Of a version such as 0.3.0rc1 the numbers count, 0.3.0.

    Args:
        requires: The requirements of its metadata.

    Raises:
        PluginError: It requires a newer one.
    """
    here = _numbers(__version__)
    for match in filter(None, map(_REQUIREMENT.match, requires)):
        if normalise(match[1]) != "loopengt":
            continue
        for sign, bound in _LOWER_BOUND.findall(match[2]):
            wanted = _numbers(bound)
            if wanted > here or (sign == ">" and wanted == here):
                raise PluginError(
                    f"its distribution requires {match[0].strip()}, and this is loopengt {__version__}",
                    remedy="to update loopengt: pip install -U loopengt",
                )


def check_source(module: str, distribution: str = "") -> None:
    """Refuse a plugin by what its source declares, before any of it is executed.

    Args:
        module: Its module, dotted; where there is no source to be read, ``check_declared`` will tell.
        distribution: The distribution it comes with, for the remedy.

    Raises:
        PluginError: It is written for hooks that are not here.
    """
    check_text(_source(module), distribution)


def check_text(source: str, distribution: str = "") -> None:
    """Refuse a plugin by what its source declares, given the source; as ``check_source``."""
    if DECLARATION in source:
        check_declared(_literal(source), distribution)


def check_declared(declared: object, distribution: str = "") -> None:
    """Refuse a plugin that declares a version of the hooks that is not here.

    What was added since is no obstacle: 1.0 fits where the hooks are 1.4, and 1.5 does not; 2.0 fits neither way.

    Args:
        declared: Its ``LOOPENGT_API``; None: it declares nothing.
        distribution: The distribution it comes with, for the remedy.

    Raises:
        PluginError: It is written for other hooks, or says so in another form.
    """
    if declared is None:
        return
    major, minor = loopengt_hookspecs.API_VERSION
    here = f"{major}.{minor}"
    match = _VERSION.fullmatch(declared) if isinstance(declared, str) else None
    if match is None:
        raise PluginError(
            f"its {DECLARATION} is {declared!r}, which is no version of the hooks",
            remedy=f'write {DECLARATION} = "{here}", or leave it out',
        )
    wanted = int(match[1]), int(match[2])
    message = (
        f"it is written for version {declared} of the hooks, and loopengt {__version__} has version {here}"
    )
    if wanted > (major, minor):
        raise PluginError(message, remedy="to update loopengt: pip install -U loopengt")
    if wanted[0] < major:
        remedy = f"to update it: pip install -U {distribution}" if distribution else "see docs/deprecation.md"
        raise PluginError(message, remedy=remedy)


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with; zeros at their end mean nothing."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _literal(source: str) -> object:
    """Return the text that is declared at the top level of a module; None where only executing it would tell."""
    import ast

    declared = None
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for statement in statements:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(target, ast.Name) and target.id == DECLARATION for target in targets):
                value = statement.value
                declared = value.value if isinstance(value, ast.Constant) else None
    return declared


def _source(module: str) -> str:
    """Return a module's source without importing it or its packages; empty when it cannot be had."""
    name, path, spec = "", None, None
    try:
        for part in module.split("."):
            name = f"{name}.{part}" if name else part
            spec = _spec(name, path)
            path = spec.submodule_search_locations if spec else None
        return (spec and spec.loader.get_source(module)) or ""
    except (ImportError, AttributeError, SyntaxError, ValueError, OSError):
        return ""  # the import will say what is wrong


def _spec(name: str, path: Any) -> Any:
    found = (finder.find_spec(name, path) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next(filter(None, found), None)
