"""Draws plots as SVG that stands within a page and takes its colours from it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_evals.statistics.proportions import Interval

__all__ = ["change_plot", "dots", "share_plot", "strip_plot"]

_WIDTH = 320
_PAD = 6
_MOST_DOTS = 400
_LEVELS = 5


def _open(height: int, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}" class="plot">'
        f"<title>{escape(title)}</title>"
    )


def _x(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return round(_PAD + share * (_WIDTH - 2 * _PAD), 1)


def share_plot(interval: Interval, title: str) -> str:
    """Draw a share on the line from 0 to 100 %, with its interval."""
    low, middle, high = (_x(value, 0, 1) for value in (interval.low, interval.estimate, interval.high))
    ticks = "".join(
        f'<line x1="{_x(t, 0, 1)}" x2="{_x(t, 0, 1)}" y1="20" y2="26" class="axis"/>'
        f'<text x="{_x(t, 0, 1)}" y="38" class="tick" text-anchor="middle">{t:.0%}</text>'
        for t in (0.1, 0.3, 0.5, 0.7, 0.9)
    )
    return (
        f"{_open(42, title)}"
        f'<line x1="{_PAD}" x2="{_WIDTH - _PAD}" y1="20" y2="20" class="axis"/>{ticks}'
        f'<rect x="{low}" y="10" width="{max(high - low, 1):.1f}" height="8" rx="4" class="range"/>'
        f'<circle cx="{middle}" cy="14" r="5" class="point"/></svg>'
    )


def change_plot(interval: Interval, title: str, word: str) -> str:
    """Draw a change with its interval, on a line with zero in the middle; the word names its colour."""
    reach = max(abs(interval.low), abs(interval.high)) * 1.1 or 1.0
    low, middle, high, zero = (
        _x(value, -reach, reach) for value in (interval.low, interval.estimate, interval.high, 0.0)
    )
    return (
        f"{_open(28, title)}"
        f'<line x1="{_PAD}" x2="{_WIDTH - _PAD}" y1="14" y2="14" class="axis"/>'
        f'<line x1="{zero}" x2="{zero}" y1="2" y2="26" class="zero"/>'
        f'<rect x="{low}" y="10" width="{max(high - low, 1):.1f}" height="8" rx="4" class="range {escape(word)}"/>'
        f'<circle cx="{middle}" cy="14" r="5" class="point {escape(word)}"/></svg>'
    )


def strip_plot(values: Sequence[float], interval: Interval, title: str, ends: tuple[str, str]) -> str:
    """Draw each value as a dot, and the mean with its interval above them.

    Args:
        values: At least one.
        interval: The mean.
        title: What it shows, in words.
        ends: How the least and the greatest value are written.
    """
    low, high = min([*values, interval.low]), max([*values, interval.high])
    step = -(-len(values) // _MOST_DOTS)
    circles = "".join(
        f'<circle cx="{_x(value, low, high)}" cy="{26 + index % _LEVELS * 4}" r="2" class="dot"/>'
        for index, value in enumerate(sorted(values)[::step])
    )
    left, middle, right = (_x(value, low, high) for value in interval[1:2] + interval[:1] + interval[2:])
    return (
        f"{_open(66, title)}"
        f'<rect x="{left}" y="6" width="{max(right - left, 1):.1f}" height="8" rx="4" class="range"/>'
        f'<circle cx="{middle}" cy="10" r="5" class="point"/>{circles}'
        f'<line x1="{_PAD}" x2="{_WIDTH - _PAD}" y1="48" y2="48" class="axis"/>'
        f'<text x="{_PAD}" y="62" class="tick">{escape(ends[0])}</text>'
        f'<text x="{_WIDTH - _PAD}" y="62" class="tick" text-anchor="end">{escape(ends[1])}</text></svg>'
    )


def dots(words: Sequence[str], most: int = 50) -> str:
    """Draw a mark for each trial; words are ``passed``, ``failed``, ``error`` and ``open``."""
    marks = {"passed": "●", "failed": "✕", "error": "!", "open": "·"}
    shown = "".join(f'<b class="{word}">{marks[word]}</b>' for word in words[:most])
    more = f" +{len(words) - most}" if len(words) > most else ""
    return f'<span class="dots">{shown}{more}</span>'
