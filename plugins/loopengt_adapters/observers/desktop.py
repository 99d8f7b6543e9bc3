"""The observer ``desktop``: a notification when a run ends, fails or waits for a person."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt import get_logger
from loopengt.display import one_line
from loopengt.live import LiveObserver

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["DesktopObserver"]

_SESSION = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
"""What a program needs to reach the person's desktop."""

_SECONDS = 5.0
# The texts are arguments, never a part of the script.
_SCRIPT = (
    "-e", "on run argv",
    "-e", "display notification (item 2 of argv) with title (item 1 of argv)",
    "-e", "end run",
)  # fmt: skip


class DesktopObserver(LiveObserver):
    """Notifies with ``notify-send`` or, on macOS, ``osascript``; without such a program it does nothing."""

    def __init__(self) -> None:
        self._loops: dict[str, str] = {}
        """Names of the loops of runs that stand by themselves: sub-loops are not worth a notification."""

    def enabled(self) -> bool:
        """Watch, unless there is nothing to notify with."""
        if shutil.which(_program()) is None:
            get_logger("loopengt.adapters").info("no desktop notifications", missing=_program())
            return False
        return True

    async def on_loop_start(self, event: TraceEvent) -> None:
        """Remember the loop's name."""
        if not event.data.get("parent"):
            self._loops[event.run_id] = one_line(getattr(event, "loop_name", "") or event.run_id, 60)

    async def on_loop_complete(self, event: TraceEvent) -> None:
        """Say that a run is done, or that it waits."""
        await self._notify(event)

    async def on_error(self, event: TraceEvent) -> None:
        """Say that a run ended short of its goal; a step that failed is not the end."""
        if event.event_type.value == "loop.error":
            await self._notify(event)

    async def _notify(self, event: TraceEvent) -> None:
        from loopengt.processes import base_environment, run_program

        loop = self._loops.pop(event.run_id, None)
        if loop is None:
            return
        reason = one_line(event.data.get("reason") or event.event_type.value, 60).replace("_", " ")
        detail = one_line(event.data.get("detail") or "", 200)
        body = f"{reason}: {detail}" if detail else reason
        result = await run_program(
            _command(f"loopengt: {loop}", body),
            cwd=Path.home(),
            env=base_environment(_SESSION),
            timeout=_SECONDS,
        )
        if result.exit_code:
            get_logger("loopengt.adapters").info("notification failed", ending=result.ending)


def _program() -> str:
    return "osascript" if sys.platform == "darwin" else "notify-send"


def _command(title: str, body: str) -> list[str]:
    if sys.platform == "darwin":
        return ["osascript", *_SCRIPT, title, body]
    from html import escape

    # Desktops read the body, and only it, as markup.
    return ["notify-send", "--app-name=loopengt", "--", title, escape(body, quote=False)]
