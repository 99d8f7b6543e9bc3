"""The forms in which a secret may stand in a text: as it is, escaped in JSON, HTML or an address, in Base64."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

__all__ = ["as_encoded", "forms_of"]


def forms_of(value: str) -> set[str]:
    """Return a secret in all its forms.

    Args:
        value: The secret, of 8 characters or more.
    """
    raw = value.encode("utf-8", "surrogateescape")
    in_addresses = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    found = {value, repr(value)[1:-1], html.escape(value), html.escape(value, quote=False), *in_addresses}
    found |= {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in in_addresses}
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]  # as in arguments that are JSON in JSON
        found |= {once, twice, once.replace("/", "\\/")}
    return found.union(_in_base64(raw))


def as_encoded(form: str) -> bytes:
    """Return a form as it stands within the encoded JSON of a text that holds it."""
    return json.dumps(form, ensure_ascii=False)[1:-1].encode("utf-8", "surrogateescape")


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield what of Base64 depends on the secret alone, at each of the three places where it can begin in a group."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw).decode()
        begin, end = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        yield text[begin:end]
        yield text[begin:end].replace("+", "-").replace("/", "_")
