"""Keeps which session is bound to which run: one small file a session, in the project's ``.loopengt``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from loopengt import UsageError
from loopengt.project import make_state_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Binding", "bind", "bound", "unbind"]


@dataclass(frozen=True, slots=True)
class Binding:
    """A session that is to go on until a run is at its goal."""

    run_id: str
    most: int
    """How often the session may be kept from stopping."""
    used: int = 0
    """How often it was."""


def bind(state: Path, session: str, binding: Binding) -> None:
    """Bind a session, or note how often it was held.

    Args:
        state: The project's ``.loopengt`` folder.
        session: Id of the session.
        binding: What to keep.

    Raises:
        UsageError: The id is empty, or a placeholder that nobody has filled in.
        OSError: It cannot be written.
    """
    if not session.strip() or "$" in session:
        raise UsageError(
            f"{session!r} is no session id", remedy="Claude Code fills in ${CLAUDE_SESSION_ID} in its skills"
        )
    file = _file(state, session)
    make_state_folder(file.parent)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(binding)), encoding="utf-8")
    draft.replace(file)


def bound(state: Path, session: str) -> Binding | None:
    """Return what a session is bound to; None: nothing, or nothing that can be read."""
    try:
        told = json.loads(_file(state, session).read_bytes())
        binding = Binding(**told)
    except (OSError, ValueError, TypeError):
        return None
    fits = isinstance(binding.run_id, str) and type(binding.most) is int and type(binding.used) is int
    return binding if fits else None


def unbind(state: Path, session: str) -> bool:
    """Let a session go; False: it was not bound."""
    try:
        _file(state, session).unlink()
    except FileNotFoundError:
        return False
    return True


def _file(state: Path, session: str) -> Path:
    # The id comes from outside and must not become a path.
    return state / "sessions" / f"{sha256(session.encode('utf-8', 'replace')).hexdigest()[:32]}.json"
