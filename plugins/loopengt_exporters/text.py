"""Makes values of any origin fit to be read: no control characters, bounded length, figures with units."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

__all__ = ["dollars", "first_line", "plain", "proof", "seconds", "shorten", "visible"]

_COUNT = re.compile(r"\b\d+ (?:errors?|fail(?:ed|ures?)|problems?)\b")


def visible(text: str, keep: str = "") -> str:
    """Write every character that moves a cursor, hides or reorders text as its escape, such as ``\\x1b``.

    Args:
        text: Anything.
        keep: Such characters that may stay, as line breaks in a block.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep or _is_seen(char) else ascii(char)[1:-1] for char in text)


def shorten(text: str, limit: int) -> str:
    """Cut a text and say how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} characters more)"


def first_line(text: str, limit: int = 100) -> str:
    """Return the first line that says something, on one line of a terminal."""
    head = text[: 4 * limit].strip().splitlines()
    line = visible(head[0].strip() if head else "")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def plain(value: Any) -> str:
    """Return text as it is, any other value as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def seconds(value: float) -> str:
    """Write a duration, such as ``0.42s``, ``12.3s``, ``2m 05s`` or ``1h 02m``."""
    if value < 10:
        return f"{value:.2f}s"
    if value < 60:
        return f"{value:.1f}s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def dollars(known: float, unknown: int) -> str:
    """Write a cost.

    Args:
        known: What is known of it, in US dollars.
        unknown: Calls of agents whose cost nobody knows.
    """
    if unknown and not known:
        return "cost unknown"
    text = f"${known:.4f}"
    return f"at least {text}" if unknown else text


def proof(data: dict[str, Any], *, passed: bool) -> str:
    """Say in one line what a gate's verdict rests on.

    Args:
        data: Data of a ``gate.pass`` or ``gate.fail`` event; its proof may have any form.
        passed: Which of the two it is.
    """
    shown = data.get("proof")
    shown = shown if isinstance(shown, dict) else {}
    exit_code, tests, score = shown.get("exit_code"), shown.get("tests"), shown.get("score")
    found = [f"exit {exit_code}"] if isinstance(exit_code, int) else []
    if isinstance(tests, int):
        found.append(f"{tests} tests")
    if isinstance(score, int | float):
        found.append(f"score {score:g}")
    if passed:
        return ", ".join(found) or first_line(str(shown.get("expression") or ""))
    why = _closing_line(shown) if exit_code else _violation(shown)
    why = why or first_line(str(data.get("feedback") or ""))
    return ", ".join([*found, why] if why else found)


def _closing_line(proof: dict[str, Any]) -> str:
    """Return the last line of a program's output that counts what is wrong, else the last of all."""
    lines = str(proof.get("output_tail") or "").strip().splitlines()
    counting = [line for line in lines if _COUNT.search(line)]
    return first_line((counting or lines)[-1].strip("=-* ")) if lines else ""


def _violation(proof: dict[str, Any]) -> str:
    violations = proof.get("violations")
    return first_line(str(violations[0])) if isinstance(violations, list) and violations else ""


def _is_seen(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # as the wide space between ideographs
