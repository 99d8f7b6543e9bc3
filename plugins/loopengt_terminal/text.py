"""Makes values of any origin fit for one line of a terminal, and writes figures with their units."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

__all__ = ["dollars", "duration", "figures", "one_line", "proof", "visible"]

_COUNT = re.compile(r"\b\d+ (?:errors?|fail(?:ed|ures?)|problems?)\b")


def visible(text: str) -> str:
    """Write every character that moves a cursor, hides or reorders text as its escape, such as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(char if _is_seen(char) else ascii(char)[1:-1] for char in text)


def one_line(value: Any, limit: int = 120, *, first: bool = False) -> str:
    """Write a value on one line, cut to ``limit`` characters.

    Args:
        value: Text, or JSON data.
        limit: Most characters.
        first: Only the first line that says something.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text[: 4 * limit].strip()
    line = visible(text.splitlines()[0].strip() if first and text else " ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def duration(seconds: float) -> str:
    """Write a duration, such as ``0.4s``, ``2m 05s`` or ``1h 02m``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def dollars(known: float, unknown: int) -> str:
    """Write a cost: what is known of it, and how many calls there are of which nobody knows it."""
    if unknown and not known:
        return "cost unknown"
    return f"at least ${known:.4f}" if unknown else f"${known:.4f}"


def figures(data: dict[str, Any], tokens: int) -> str:
    """Write the tokens and cost of one answer; empty when its agent uses none and says so."""
    cost = data.get("cost_usd")
    found = [f"{tokens:,} tokens"] if tokens else []
    if tokens or cost:
        found.append(dollars(cost or 0.0, 1 if cost is None else 0))
    return "".join(f", {part}" for part in found)


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
        return ", ".join(found) or one_line(str(shown.get("expression") or ""), first=True)
    why = _closing_line(shown) if exit_code else _violation(shown)
    why = why or one_line(str(data.get("feedback") or ""), first=True)
    return ", ".join([*found, why] if why else found)


def _closing_line(proof: dict[str, Any]) -> str:
    """Return the last line of a program's output that counts what is wrong, else the last of all."""
    lines = str(proof.get("output_tail") or "").strip().splitlines()
    counting = [line for line in lines if _COUNT.search(line)]
    return one_line((counting or lines)[-1].strip("=-* "), first=True) if lines else ""


def _violation(proof: dict[str, Any]) -> str:
    violations = proof.get("violations")
    return one_line(str(violations[0]), first=True) if isinstance(violations, list) and violations else ""


def _is_seen(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # as the wide space between ideographs
