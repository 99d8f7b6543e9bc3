"""Makes values of any origin fit to be read: no control characters, bounded length, figures with units."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

__all__ = [
    "decision",
    "dollars",
    "duration",
    "first_line",
    "lap",
    "one_line",
    "origin",
    "proof",
    "spent",
    "visible",
]

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


def one_line(value: Any, limit: int = 120) -> str:
    """Write a value on one line.

    Args:
        value: Text, or JSON data.
        limit: Most characters; what is cut off is marked.
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return _cut(" ".join(text[: 4 * limit].split()), limit)


def first_line(text: str, limit: int = 120) -> str:
    """Return the first line of a text that says something.

    Args:
        text: Anything.
        limit: Most characters; what is cut off is marked.
    """
    lines = text[: 4 * limit].strip().splitlines()
    return _cut(lines[0].strip() if lines else "", limit)


def duration(seconds: float, *, fine: bool = False) -> str:
    """Write a duration, such as ``0.4s``, ``2m 05s`` or ``1h 02m``.

    Args:
        seconds: How long.
        fine: Below ten seconds with hundredths, such as ``0.42s``.
    """
    if seconds < 60:
        return f"{seconds:.2f}s" if fine and seconds < 10 else f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def dollars(known: float, unknown: int) -> str:
    """Write a cost.

    Args:
        known: What is known of it, in US dollars.
        unknown: Calls of agents whose cost nobody knows.
    """
    if unknown and not known:
        return "cost unknown"
    return f"at least ${known:.4f}" if unknown else f"${known:.4f}"


def spent(tokens: int, cost_usd: float | None) -> list[str]:
    """Write the tokens and the cost of one answer; nothing when its agent uses none, or does not tell.

    Args:
        tokens: How many.
        cost_usd: In US dollars; None: nobody knows.
    """
    found = [f"{tokens:,} tokens"] if tokens else []
    if tokens or cost_usd:
        found.append(dollars(cost_usd or 0.0, 1 if cost_usd is None else 0))
    return found


def origin(data: Mapping[str, Any]) -> list[str]:
    """Write where an answer comes from, when the agent's name does not say it: a script, a recording, a provider.

    Args:
        data: Data of an ``agent.response`` event.
    """
    metadata = data.get("metadata") or {}
    found = [word for word in ("scripted", "replayed") if metadata.get(word) is True]
    before = metadata.get("failed_over_from")
    if isinstance(before, list) and before and metadata.get("provider"):
        passed_over = ", ".join(map(one_line, before))
        return [*found, f"by {one_line(metadata['provider'])} in place of {passed_over}"]
    return found + ([f"by {one_line(metadata['auto'])}"] if metadata.get("auto") else [])


def lap(pattern: str, occurrence: int) -> str:
    """Write the lap of an execution behind its step's name, such as `` (lap 2)``; empty without laps.

    Args:
        pattern: Name of the loop's pattern.
        occurrence: Which execution of the step it is, from 1.
    """
    return f" (lap {occurrence})" if pattern == "repeat" or occurrence > 1 else ""


def proof(data: dict[str, Any], *, passed: bool, limit: int = 120) -> str:
    """Say in one line what a gate's verdict rests on.

    Args:
        data: Data of a ``gate.pass`` or ``gate.fail`` event; its proof may have any form.
        passed: Which of the two it is.
        limit: Most characters of what a program or the gate says of it.
    """
    shown = data.get("proof")
    shown = shown if isinstance(shown, dict) else {}
    exit_code, tests, score = shown.get("exit_code"), shown.get("tests"), shown.get("score")
    found = [f"exit {exit_code}"] if isinstance(exit_code, int) else []
    if isinstance(tests, int):
        found.append(f"{tests} tests")
    if isinstance(score, int | float):
        found.append(f"score {score:g}")
    if shown.get("by"):
        found.append(decision(shown))
    if passed:
        return ", ".join(found) or first_line(str(shown.get("expression") or ""), limit)
    why = first_line(_closing_line(shown) if exit_code else _violation(shown), limit)
    if shown.get("by"):  # whose comment is the feedback
        return ", ".join(found)
    why = why or first_line(str(data.get("feedback") or ""), limit)
    return ", ".join([*found, why] if why else found)


def decision(data: dict[str, Any]) -> str:
    """Say how a question was answered, by whom, and why.

    Args:
        data: Data of an ``approval.decision`` event, or the proof of the gate that asked.
    """
    found = one_line(data.get("decision") or "answered")
    if data.get("by"):
        found += f" by {one_line(data['by'])}"
    return f"{found}: {one_line(data['comment'])}" if data.get("comment") else found


def _closing_line(shown: dict[str, Any]) -> str:
    """Return the last line of a program's output that counts what is wrong, else the last of all."""
    lines = str(shown.get("output_tail") or "").strip().splitlines()
    counting = [line for line in lines if _COUNT.search(line)]
    return (counting or lines)[-1].strip("=-* ") if lines else ""


def _violation(shown: dict[str, Any]) -> str:
    violations = shown.get("violations")
    return str(violations[0]) if isinstance(violations, list) and violations else ""


def _cut(text: str, limit: int) -> str:
    line = visible(text)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _is_seen(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # as the wide space between ideographs
