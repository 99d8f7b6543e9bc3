"""Recognises in what a CLI says that its service takes nothing more for a while, and until when."""

from __future__ import annotations

import re
import time

__all__ = ["is_limit", "reset_seconds", "seconds_until"]

_LIMIT = re.compile(
    r"usage limit|rate[ _-]?limit|quota\W+(?:is |was |has been )?(?:exceeded|exhausted|reached|limit|will reset)"
    r"|exceeded [\w ]{0,40}quota|(?:insufficient|out of)[ _]quota|too many requests|resource[_ ]exhausted"
    r"|hit your limit|limit reached"
    r"|out of (?:extra )?usage|premium requests? (?:allowance|limit)|(?:status|code|error|http)\W{0,6}429\b|\b429 too",
    re.IGNORECASE,
)
_EPOCH = re.compile(r"limit reached\|(\d{10,13})\b")
_WORDS = re.compile(r"(?:again|reset|resets|retry|retrydelay|retry-after)\W+(?:in|after)?\W*", re.IGNORECASE)
_SPAN = re.compile(
    r"(\d+(?:\.\d+)?)\s*(milliseconds?|ms|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])[\s,]*(?:and\s+)?",
    re.IGNORECASE,
)
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_FARTHEST = 40 * 86_400.0


def is_limit(text: str) -> bool:
    """Whether a text tells of a quota or a rate limit."""
    return _LIMIT.search(text) is not None


def reset_seconds(text: str) -> float | None:
    """Return the seconds after which a text says that the limit is over; None: it does not say.

    Understands spans (``try again in 3 days 4 hours``, ``reset after 3h12m45s``, ``"retryDelay": "34s"``) and the
    seconds since 1970 that older versions of Claude Code append; no times of day, whose zone nobody knows.
    """
    found = _EPOCH.search(text)
    if found is not None:
        return seconds_until(float(found[1]))
    for words in _WORDS.finditer(text):
        total, at = 0.0, words.end()
        while (span := _SPAN.match(text, at)) is not None:
            unit = span[2].lower()
            total += float(span[1]) * (0.001 if unit.startswith(("ms", "milli")) else _UNITS[unit[0]])
            at = span.end()
        if at > words.end() and total <= _FARTHEST:
            return total
    return None


def seconds_until(moment: float) -> float | None:
    """Return the seconds from now until a moment in seconds, or milliseconds, since 1970; None: no sane one."""
    seconds = (moment / 1000 if moment > 1e11 else moment) - time.time()
    return max(0.0, seconds) if seconds <= _FARTHEST else None
