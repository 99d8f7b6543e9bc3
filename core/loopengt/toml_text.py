"""Reads TOML, with errors that say where and what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parse_toml", "read_tables"]


def read_tables(file: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; none, when there is no file.

    Raises:
        ConfigError: It cannot be read; the message says where.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file}: byte {exc.start} is not UTF-8", remedy="save it as UTF-8 text") from exc
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc
    return parse_toml(text, str(file))


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Return the tables of a text.

    Args:
        text: What is to be parsed.
        source: What messages call it.

    Raises:
        ConfigError: It is no TOML; the message says where.
    """
    import re
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        lines = text.split("\n")
        what = str(exc).removesuffix(" (at end of document)")
        where = f"{len(lines)}:{len(lines[-1]) + 1}"
        if place := re.search(r" \(at line (\d+), column (\d+)\)$", what):
            what, where = what[: place.start()], f"{place[1]}:{place[2]}"
        raise ConfigError(f"{source}:{where}: {what}", remedy="see https://toml.io for its syntax") from exc
