"""Reads keys from where options say they are, and has them kept out of all that is written down."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt import get_logger
from loopengt.redaction import keep_secret
from loopengt_hookspecs.errors import MissingRequirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_llm.options import KeySource

__all__ = ["read_headers", "read_key"]

_LONGEST = 64_000
_warned: set[Path] = set()


def read_key(
    source: KeySource | None, otherwise: tuple[str, ...], *, needed: bool, project: Path, by: str
) -> str:
    """Return a key; empty where there is none and none is needed.

    Args:
        source: Where it is; None: in one of the variables ``otherwise``.
        otherwise: Environment variables, the first that is set counts.
        needed: Whether the service takes nothing without a key.
        project: The project folder, the base of a relative path.
        by: Who needs it, for messages.

    Raises:
        MissingRequirement: It is not where it should be.
    """
    if source is not None and source.file is not None:
        path = project / Path(source.file).expanduser()
        _refuse_copied(path, source.file, project, by)
        key = _from_file(path, source.file, by)
    else:
        names = (source.env or "",) if source is not None else otherwise
        key = next(filter(None, (os.environ.get(name, "").strip() for name in names)), "")
        if not key and (needed or source is not None):
            either = " or ".join(names)
            raise MissingRequirement(
                f"{by} needs the environment variable {either}", remedy=f"export {names[0]}=..."
            )
    return _kept(key, by)


def read_headers(variables: Mapping[str, str], *, by: str) -> dict[str, str]:
    """Return HTTP headers, given the environment variable of each value.

    Raises:
        MissingRequirement: A variable is not set.
    """
    headers = {}
    for header, name in variables.items():
        value = os.environ.get(name, "").strip()
        if not value:
            raise MissingRequirement(
                f"{by} needs the environment variable {name} for the header {header}",
                remedy=f"export {name}=...",
            )
        headers[header] = _kept(value, by)
        # Of "Bearer KEY" an error may repeat the key alone.
        for part in value.split():
            keep_secret(part)
    return headers


def _refuse_copied(path: Path, shown: str, project: Path, by: str) -> None:
    """Refuse a key file among the project's own files: they are copied into workspaces, and into exported runs.

    Raises:
        MissingRequirement: It lies there.
    """
    real, home = path.resolve(), project.resolve()
    if real.is_relative_to(home) and not real.is_relative_to(home / ".loopengt"):
        raise MissingRequirement(
            f"{by}: the key file {shown} lies among the project's files, which runs copy",
            remedy=f"Move it out of the project, or: mv {shown} .loopengt/ and name it .loopengt/{path.name}",
        )


def _from_file(path: Path, shown: str, by: str) -> str:
    remedy = f"write the key, and nothing else, into {shown}, and: chmod 600 {shown}"
    try:
        mode = path.stat().st_mode
        with path.open(encoding="utf-8") as file:
            key = file.read(_LONGEST).strip()
    except UnicodeDecodeError:
        raise MissingRequirement(
            f"{by} needs the key file {shown}, which is no text", remedy=remedy
        ) from None
    except OSError as error:
        raise MissingRequirement(
            f"{by} needs the key file {shown}, which cannot be read: {error.strerror}", remedy=remedy
        ) from None
    if not key:
        raise MissingRequirement(f"{by} needs the key file {shown}, which is empty", remedy=remedy)
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and path not in _warned:
        _warned.add(path)
        get_logger("loopengt.llm").warning(
            "others on this machine may open a key file", file=shown, remedy=f"chmod 600 {shown}"
        )
    return key


def _kept(key: str, by: str) -> str:
    """Return a key as it is, once nothing will write it down."""
    keep_secret(key)
    if not key.isascii() or not key.isprintable():
        raise MissingRequirement(
            f"a key or header value of {by} has characters that HTTP does not allow, such as a line break",
            remedy="Set it to the key alone.",
        )
    return key
