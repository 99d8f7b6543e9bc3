"""Puts a page together: its head, what can be read without JavaScript, its data, styles and scripts."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.display import dollars, duration, visible
from loopengt_html.texts import as_json, packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from loopengt_hookspecs.models import LoopState
    from loopengt_html.record import Execution, Run

__all__ = ["assets", "block", "page"]

_HERE = Path(__file__).parent
_STYLES = ("base", "head", "timeline", "detail", "figures", "lists", "print")
_SCRIPTS = ("dom", "format", "store", "texts", "diff", "scale", "detail", "rows", "timeline", "graph", "matrix",
            "scores", "charts", "steps", "notes", "events", "help", "main")  # fmt: skip
_PLAIN = 1_000_000
"""Bytes of data that stand in the page as they are; more is compressed."""

_FIRST, _LAST = 100, 200
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M13 8a5 5 0 1 1-2-4"
    "' fill='none' stroke='%234a63c9' stroke-width='2.4' stroke-linecap='round'/%3E%3C/svg%3E"
)
_MARKS = {"good": "✓", "bad": "✕", "held": "‖", "open": "●"}


@cache
def assets() -> tuple[str, str]:
    """Return the styles and the script of every page."""
    styles = "\n".join((_HERE / "styles" / f"{name}.css").read_text("utf-8") for name in _STYLES)
    scripts = "\n".join((_HERE / "scripts" / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    return f"\n{styles}\n", f'\n(() => {{\n"use strict";\n{scripts}\n}})();\n'


def block(name: str, value: Any) -> str:
    """Return an element that holds data, compressed when there is much of it."""
    text = as_json(value)
    if len(text) <= _PLAIN:
        return f'<script type="application/json" id="{name}">{text}</script>\n'
    return pack_block(name, packed(value))


def pack_block(name: str, pack: str) -> str:
    """Return an element that holds compressed data."""
    return f'<script type="application/json" id="{name}" data-packed>"{pack}"</script>\n'


def page(state: LoopState, runs: Sequence[Run], blocks: Iterable[str]) -> str:
    """Return the whole document.

    Args:
        state: The run's state.
        runs: The run, and its child runs.
        blocks: The elements with the data.
    """
    styles, script = assets()
    run = runs[0] if runs else None
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(styles)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    title = _text(f"{state.loop_name}: {state.reason or state.status.value}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<title>{title}</title>\n<link rel="icon" href="{_ICON}">\n<style>{styles}</style>\n</head>\n<body>\n'
        '<a class="skip" href="#main">Skip to the timeline</a>\n'
        f"{_head(state, run)}"
        '<nav id="nav" aria-label="Sections" hidden></nav>\n<main id="main" tabindex="-1">\n'
        f"<noscript>{_plain(run)}</noscript>\n</main>\n"
        f'<footer><span>Run <bdi class="code">{_text(state.run_id)}</bdi></span>'
        "<span>Times are UTC. Costs are US dollars.</span></footer>\n"
        f"{''.join(blocks)}<script>{script}</script>\n</body>\n</html>\n"
    )


def _head(state: LoopState, run: Run | None) -> str:
    reason, detail = (run.end if run is not None else None) or (state.status.value, "")
    tone = _tone(state)
    goal = str(run.header.get("goal") or "") if run is not None else ""
    spent = run.spent() if run is not None else None
    facts = [
        ("Time", duration(run.driven, fine=True) if run is not None else "-", "driven, without pauses"),
        ("Turns", f"{state.turn:,}", _pattern(run)),
        ("Tokens", f"{spent.tokens:,}" if spent is not None else "-", ""),
        ("Cost", _cost(run), ""),
        ("Started", _day(state.started_at), _clock(state.started_at)),
    ]
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}{f'<small>{_text(more)}</small>' if more else ''}</dd></div>"
        for name, value, more in facts
    )
    said = f'<p class="detail"><bdi>{_text(_short(detail, 600))}</bdi></p>\n' if detail else ""
    return (
        f'<header class="head {tone}">\n<div class="top"><p class="eyebrow">Run <bdi class="code" id="run-id">'
        f'{_text(state.run_id)}</bdi></p><div class="tools" id="tools"></div></div>\n'
        f'<div class="title"><h1><bdi>{_text(state.loop_name)}</bdi></h1>'
        f'<p class="status {tone}"><span aria-hidden="true">{_MARKS[tone]}</span> <bdi>{_text(reason)}</bdi>'
        f"{_also(state, reason)}</p></div>\n"
        f'<p class="goal"><bdi>{_text(_short(goal, 1_200))}</bdi></p>\n{said}'
        f'<dl class="facts">{tiles}</dl>\n</header>\n'
    )


def _tone(state: LoopState) -> str:
    tones = {"completed": "good", "failed": "bad", "cancelled": "bad", "paused": "held"}
    return tones.get(state.status.value, "open")


def _also(state: LoopState, reason: str) -> str:
    return "" if state.status.value == reason else f"<small>{_text(state.status.value)}</small>"


def _pattern(run: Run | None) -> str:
    return f"pattern {run.header['pattern']}" if run is not None and run.header.get("pattern") else ""


def _plain(run: Run | None) -> str:
    """Return the steps as a table, for readers without JavaScript."""
    executions = run.executions if run is not None else []
    shown = executions if len(executions) <= _FIRST + _LAST else executions[:_FIRST] + executions[-_LAST:]
    missing = len(executions) - len(shown)
    note = f"<p>{missing:,} steps in the middle are left out.</p>" if missing else ""
    rows = "".join(_row(run, execution) for execution in shown) if run is not None else ""
    return (
        "<section><h2>Steps</h2><p>Timeline, graph, prompts and outputs need JavaScript.</p>"
        f'{note}<div class="wide"><table><thead><tr><th>Turn</th><th>Step</th><th>Status</th><th>Attempts</th>'
        f"<th>Gates</th><th>Time</th><th>Tokens</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _row(run: Run, execution: Execution) -> str:
    checks = [check for attempt in execution.attempts for check in attempt.checks]
    gates = ", ".join(f"{check.gate} {'passed' if check.passed else 'failed'}" for check in checks[-6:])
    seconds = (
        duration(run.driven_between(execution.began, execution.ended), fine=True)
        if execution.ended is not None
        else "-"
    )
    tokens = sum(attempt.spent().tokens for attempt in execution.attempts)
    cells = (str(execution.turn), execution.step, execution.status, str(len(execution.attempts)), gates, seconds,
             f"{tokens:,}")  # fmt: skip
    return "<tr>" + "".join(f"<td><bdi>{_text(cell)}</bdi></td>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return escape(visible(text, keep="\n").encode("utf-8", "replace").decode())


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _cost(run: Run | None) -> str:
    spent = run.spent() if run is not None else None
    if spent is None:
        return "-"
    return "unknown" if spent.unknown and not spent.cost else dollars(spent.cost, spent.unknown)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
