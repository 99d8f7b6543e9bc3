"""Reads what a tool tells its hook at the end of a turn, whatever names it has for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Told", "read_told"]

_SESSION = ("session_id", "sessionId", "conversation_id", "conversationId")
_FOLDER = ("cwd", "workspace_roots", "workspacePaths")
_TRANSCRIPT = ("transcript_path", "transcriptPath")
_LAST_WORDS = ("last_assistant_message", "prompt_response")
_BROKEN_OFF = ("abort", "cancel", "error", "interrupt", "max", "limit")


class Told(NamedTuple):
    """What the hook is told."""

    session: str
    """Id of the session; empty: none, or none that can be read."""
    folders: tuple[Path, ...]
    """Folders that the session works in and that are there."""
    has_ended: bool
    """Whether the agent ended its turn itself: it was not broken off, and nothing of it goes on."""
    last_words: str
    """What the agent said last; empty where the tool does not tell."""
    transcript: Path | None
    """What the session has said until now; None where the tool does not tell."""


def read_told(told: object) -> Told:
    """Return what a hook's input says; what is not as expected counts as not said."""
    data: dict[str, Any] = told if isinstance(told, dict) else {}
    listed = (each for key in _FOLDER for each in (data[key] if isinstance(data.get(key), list) else ()))
    folders = [*_texts(data, _FOLDER), *(each for each in listed if isinstance(each, str))]
    transcript = next(iter(_texts(data, _TRANSCRIPT)), None)
    return Told(
        session=next(iter(_texts(data, _SESSION)), ""),
        folders=tuple(folder for folder in map(Path, folders) if folder.is_dir()),
        has_ended=_has_ended(data),
        last_words="\n".join(_texts(data, _LAST_WORDS)),
        transcript=None if transcript is None else Path(transcript).expanduser(),
    )


def _texts(data: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    return [each for key in keys if isinstance(each := data.get(key), str) and each.strip()]


def _has_ended(data: dict[str, Any]) -> bool:
    """Cursor tells a ``status``; Antigravity a ``terminationReason``, an ``error``, and whether it is idle."""
    if (
        data.get("status", "completed") != "completed"
        or data.get("fullyIdle", True) is False
        or data.get("error")
    ):
        return False
    reason = str(data.get("terminationReason") or "").lower()
    return not any(word in reason for word in _BROKEN_OFF)
