"""A person's consent to run a project's own plugin file, kept outside the project, for one content only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PROJECT_FILE",
    "PROJECT_PLUGIN",
    "allow",
    "disallow",
    "read_if_allowed",
    "state_file",
]

PROJECT_FILE = "loopengt_plugins.py"
"""Name of the file in a project folder that is a plugin."""

PROJECT_PLUGIN = "project"
"""Name of the plugin that this file is."""

ALLOW_ALL = "LOOPENGT_ALLOW_PROJECT_PLUGINS"


def state_file(environ: Mapping[str, str]) -> Path:
    """Return where consent is kept: under ``$XDG_STATE_HOME``, else ``~/.local/state``.

    It is the user's, never the project's: a cloned repository must not bring its own consent.

    Raises:
        ConfigError: The user has no home folder, and the variable is not set.
    """
    base = environ.get("XDG_STATE_HOME", "")
    try:
        # The base directory specification tells programs to ignore a relative path here.
        state = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError as exc:
        raise ConfigError("the home folder is not known", remedy="set HOME or XDG_STATE_HOME") from exc
    return state / "loopengt" / "allowed.json"


def read_if_allowed(file: Path, environ: Mapping[str, str]) -> tuple[bytes, tuple[str, str] | None]:
    """Return a plugin file's bytes and, when they may not be executed, the reason and the remedy."""
    try:
        source = file.read_bytes()
    except OSError as exc:
        return b"", (f"{file} cannot be read: {exc.strerror}", "")
    if environ.get(ALLOW_ALL) == "1":
        return source, None
    try:
        allowed = _read(state_file(environ)).get(str(file.resolve()))
    except ConfigError as exc:  # what cannot be read allows nothing
        return b"", (f"whether {file} is allowed to run is not known: {exc.message}", exc.remedy)
    if allowed == _digest(source):
        return source, None
    reason = "changed since it was allowed" if allowed else "not allowed to run yet"
    return b"", (f"{file} is {reason}", "read it, then run: loopengt plugins allow")


def allow(file: Path, environ: Mapping[str, str]) -> str:
    """Allow the file as it is now and return the hex SHA-256 digest of its content.

    Raises:
        ConfigError: The file cannot be read, or the consent cannot be written.
    """
    state = state_file(environ)
    try:
        digest = _digest(file.read_bytes())
        _write(state, _read(state) | {str(file.resolve()): digest})
    except OSError as exc:
        raise ConfigError(f"cannot allow {file}: {exc.filename or state}: {exc.strerror}") from exc
    return digest


def disallow(file: Path, environ: Mapping[str, str]) -> bool:
    """Take consent back; False when there was none.

    Raises:
        ConfigError: The consent cannot be read or written.
    """
    state = state_file(environ)
    known = _read(state)
    if known.pop(str(file.resolve()), None) is None:
        return False
    try:
        _write(state, known)
    except OSError as exc:
        raise ConfigError(f"cannot disallow {file}: {exc.filename or state}: {exc.strerror}") from exc
    return True


def _digest(source: bytes) -> str:
    import hashlib

    return hashlib.sha256(source).hexdigest()


def _read(state: Path) -> dict[str, str]:
    import json

    try:
        known = json.loads(state.read_bytes())
        return {str(file): str(digest) for file, digest in known.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as exc:
        raise ConfigError(f"{state} cannot be read: {exc}", remedy=f"delete it: rm {state}") from exc


def _write(state: Path, known: Mapping[str, str]) -> None:
    import json
    import os

    state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = state.with_name(f"{state.name}.{os.getpid()}")
    draft.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n", encoding="utf-8")
    draft.replace(state)
