"""What may be handed to an installer: plugins by their names, and what cannot be mistaken for one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.naming import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_requirements"]

_NAME = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^]]*\])?\s*((?:[<>=!~@;].*)?)", re.DOTALL
)


def check_requirements(requirements: Sequence[str], *, exact: bool) -> None:
    """Refuse a bare name that is not that of a plugin: it would install whatever else has it.

    Args:
        requirements: What is to be installed: names with or without versions, folders, files and URLs.
        exact: Whether names are taken as they are.

    Raises:
        UsageError: One is refused; the remedy says what was probably meant.
    """
    for requirement in requirements:
        if requirement.startswith("-") or not requirement.strip():
            raise UsageError(
                f"{requirement!r} is nothing to install", remedy="options of the installer stand behind --"
            )
        match = _NAME.fullmatch(requirement)
        if match is None or exact or "@" in match[3] or _is_place(requirement):
            continue
        name = normalise(match[1])
        if name == "loopengt":
            raise UsageError(
                "loopengt itself is here already", remedy="name the plugin, such as loopengt-otel"
            )
        if not name.startswith("loopengt_"):
            wanted = f"loopengt-{requirement}"
            raise UsageError(
                f"{requirement!r} is not named as plugins are, and may be something else altogether",
                remedy=f"did you mean {wanted!r}? If not, take the name as it is with --exact",
            )


def _is_place(requirement: str) -> bool:
    """Whether it is a folder or a file, given as such."""
    return (
        "/" in requirement or requirement.startswith(".") or requirement.endswith((".whl", ".tar.gz"))
    ) and (Path(requirement).exists())
