"""Reads a program's output: as text, as JSON, or as lines of JSON among others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

__all__ = ["NotJsonError", "Parsed", "cost_of", "parse", "tokens_of"]

_ABSURD = 10**15
_KINDS = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
"""No count of tokens or dollars: a number from here on is a mistake, and may not fit a storage's integers."""


class NotJsonError(Exception):
    """The output is not what ``output`` promises; the text says how."""


@dataclass(slots=True)
class Parsed:
    """An output that was read."""

    value: Any
    junk_lines: int = 0
    """Lines among those of NDJSON that are no JSON objects."""


def parse(text: str, mode: str) -> Parsed:
    """Read an output.

    Args:
        text: The output; line ends at its end do not belong to it, as in a shell's ``$(…)``.
        mode: ``auto``, ``text``, ``json`` or ``ndjson``.

    Raises:
        NotJsonError: Mode ``json`` and it is no JSON document, or ``ndjson`` and no line is an object.
    """
    text = text.rstrip("\r\n")
    if mode == "json":
        return Parsed(_document(text))
    if mode == "ndjson":
        return _lines(text)
    if mode == "auto" and text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        try:
            return Parsed(_document(text))
        except NotJsonError:
            return Parsed(text)
    return Parsed(text)


def _document(text: str) -> Any:
    # This decoder refuses what a journal cannot keep: NaN, infinity, lone surrogates.
    try:
        return msgspec.json.decode(text.lstrip("\ufeff").encode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJsonError(str(error)) from None


def _lines(text: str) -> Parsed:
    found: list[dict[str, Any]] = []
    junk = 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            value = _document(line)
        except NotJsonError:
            value = None
        if isinstance(value, dict):
            found.append(value)
        else:
            junk += 1
    if junk and not found:
        raise NotJsonError(f"none of its {junk} lines is a JSON object")
    results = [entry for entry in found if entry.get("type") == "result"]
    return Parsed(results[-1] if results else found, junk)


def tokens_of(value: Any) -> dict[str, int]:
    """Tokens by kind that an output object reports under ``token_usage``, or as models' services do under ``usage``.

    What is no count is left out. Under ``usage``, ``input_tokens`` and ``output_tokens`` are the prompt's and the
    completion's; other kinds count beside them as their service counts them.
    """
    if not isinstance(value, dict):
        return {}
    for key, names in (("token_usage", {}), ("usage", _KINDS)):
        usage = value.get(key)
        if isinstance(usage, dict):
            counts = {kind: n for kind, n in usage.items() if type(n) is int and 0 <= n < _ABSURD}
            return {names.get(kind, kind): count for kind, count in counts.items()}
    return {}


def cost_of(value: Any) -> float | None:
    """US dollars that an output object reports under ``cost_usd`` (or ``total_cost_usd``), or None."""
    if not isinstance(value, dict):
        return None
    for key in ("cost_usd", "total_cost_usd"):
        cost = value.get(key)
        if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < _ABSURD:
            return float(cost)
    return None
