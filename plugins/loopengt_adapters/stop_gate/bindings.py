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

__all__ = ["Binding", "bind", "bound", "claim_file", "session_file", "unbind", "unbind_run"]


@dataclass(frozen=True, slots=True)
class Binding:
    """A session that is to go on until a run is at its goal."""

    run_id: str
    most: int
    """How often the session may be kept from stopping."""
    used: int = 0
    """How often it was."""


def bind(state: Path, session: str, binding: Binding, *, file: Path | None = None) -> None:
    """Bind a session, or note how often it was held.

    Args:
        state: The project's ``.loopengt`` folder.
        session: Id of the session.
        binding: What to keep.
        file: Where; None: where ``bound`` looks.

    Raises:
        UsageError: The id is empty, or a placeholder that nobody has filled in.
        OSError: It cannot be written.
    """
    if not session.strip() or "$" in session:
        raise UsageError(
            f"{session!r} is no session id",
            remedy="leave --session out, and let the agent say the code that is printed then",
        )
    file = file or session_file(state, session)
    make_state_folder(file.parent)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(binding)), encoding="utf-8")
    draft.replace(file)


def bound(state: Path, session: str) -> Binding | None:
    """Return what a session is bound to; None: nothing, or nothing that can be read."""
    return _read(session_file(state, session))


def unbind(state: Path, session: str) -> bool:
    """Let a session go; False: it was not bound."""
    try:
        session_file(state, session).unlink()
    except FileNotFoundError:
        return False
    return True


def unbind_run(state: Path, run_id: str) -> int:
    """Let every session go that is bound to a run, or may yet be; return how many they were."""
    found = [file for file in (state / "sessions").glob("*.json") if _is_of(file, run_id)]
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


def session_file(state: Path, session: str) -> Path:
    """Return where the binding of a session is kept."""
    # The id comes from outside and must not become a path.
    return state / "sessions" / f"{_digest(session)}.json"


def claim_file(state: Path, code: str) -> Path:
    """Return where a binding waits for the session that says a code."""
    return state / "sessions" / f"claim-{_digest(code)}.json"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _is_of(file: Path, run_id: str) -> bool:
    binding = _read(file)
    return binding is not None and binding.run_id == run_id


def _read(file: Path) -> Binding | None:
    try:
        binding = Binding(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    fits = isinstance(binding.run_id, str) and type(binding.most) is int and type(binding.used) is int
    return binding if fits else None
