"""The forms in which a secret may stand in a text: as it is, escaped in JSON or in an address, in Base64."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

__all__ = ["forms_of"]


def forms_of(value: str) -> set[str]:
    """Return a secret in all its forms.

    Args:
        value: The secret, of 8 characters or more.
    """
    raw = value.encode("utf-8", "surrogateescape")
    found = {value, quote(raw, safe=""), quote(raw), quote_plus(raw)}
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        found |= {
            once,
            json.dumps(once, ensure_ascii=ascii_only)[1:-1],
        }  # as in arguments that are JSON in JSON
    return found.union(_in_base64(raw))


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield what of Base64 depends on the secret alone, at each of the three places where it can begin in a group."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw).decode()
        begin, end = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        yield text[begin:end]
        yield text[begin:end].replace("+", "-").replace("/", "_")
