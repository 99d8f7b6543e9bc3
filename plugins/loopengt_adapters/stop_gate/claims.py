"""Binds a session whose id nobody knows: by a code that only this session has been told."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from loopengt_adapters.stop_gate.bindings import bind, claim_file, session_file

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_adapters.stop_gate.bindings import Binding
    from loopengt_adapters.stop_gate.told import Told

__all__ = ["offer", "take"]

_CODE = re.compile(r"loopengt-session-[0-9a-f]{32}")
_KEPT_SECONDS = 24 * 3600
_TAIL = 4 << 20
"""Bytes of a transcript that are looked through, from its end."""


def offer(state: Path, binding: Binding) -> str:
    """Keep a binding for the session that first says the code which is returned.

    Raises:
        OSError: It cannot be written.
    """
    code = f"loopengt-session-{secrets.token_hex(16)}"
    bind(state, code, binding, file=claim_file(state, code))
    return code


def take(state: Path, told: Told) -> bool:
    """Bind a session to what it has said the code of; False: it has said none that still waits.

    Only the session that was offered a code can have said it: the file has just its digest.
    """
    waiting = {file for file in (state / "sessions").glob("claim-*.json") if _is_young(file)}
    if not waiting:  # by far the most times: no transcript is read
        return False
    codes = set(_CODE.findall(f"{told.last_words}\n{_tail(told.transcript)}"))
    for file in sorted(waiting & {claim_file(state, code) for code in codes}):
        try:
            file.replace(session_file(state, told.session))  # of two sessions only one can
        except FileNotFoundError:
            continue
        return True
    return False


def _is_young(file: Path) -> bool:
    with suppress(OSError):
        if time.time() - file.stat().st_mtime < _KEPT_SECONDS:
            return True
        file.unlink()
    return False


def _tail(transcript: Path | None) -> str:
    if transcript is None or not transcript.is_file():
        return ""
    try:
        with transcript.open("rb") as file:
            file.seek(max(0, transcript.stat().st_size - _TAIL))
            return file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
