"""Keeps secrets out of what is written down: the values of key-like environment variables become a mark."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from weakref import WeakSet

__all__ = ["MARK", "Redactor", "is_secret_name", "keep_secret", "process_redactor"]

MARK = "[redacted]"
"""Stands where a secret stood."""

SHORTEST = 8
"""Characters from which a value is taken for a secret; shorter ones would blank out ordinary words."""

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:API_?KEY|ACCESS_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:$|_)"
)


def is_secret_name(name: str) -> bool:
    """Whether an environment variable's name says that its value is a secret."""
    return _SECRET_NAME.search(name.upper()) is not None


_kept: set[str] = set()
_redactors: WeakSet[Redactor] = WeakSet()


def keep_secret(value: str) -> None:
    """Have every redactor of this process, also those that there are already, replace a value from now on.

    For keys that come from somewhere else than an environment variable with a telling name.

    Args:
        value: The secret; one shorter than 8 characters is left alone.
    """
    if len(value) >= SHORTEST and value not in _kept:
        _kept.add(value)
        for redactor in tuple(_redactors):
            redactor.learn(value)


@cache
def process_redactor() -> Redactor:
    """Return the redactor for what this process writes elsewhere than into a journal, such as logs."""
    return Redactor.of_environment(os.environ)


class Redactor:
    """Replaces secrets in text and in encoded JSON: those it is given, and those of ``keep_secret``.

    Args:
        secrets: The values to replace; those shorter than 8 characters are left alone.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = {value for value in secrets if len(value) >= SHORTEST} | _kept
        self._compile()
        _redactors.add(self)

    def learn(self, value: str) -> None:
        """Replace one more value from now on."""
        self._secrets.add(value)
        self._compile()

    def _compile(self) -> None:
        values = self._secrets
        escaped = {json.dumps(value)[1:-1] for value in values} | {
            json.dumps(value, ensure_ascii=False)[1:-1] for value in values
        }
        longest_first = sorted(values | escaped, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._bytes = (
            re.compile(
                b"|".join(re.escape(value.encode("utf-8", "surrogateescape")) for value in longest_first)
            )
            if longest_first
            else None
        )

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Redactor:
        """Make a redactor for the secrets that an environment holds."""
        return cls(value for name, value in environ.items() if is_secret_name(name))

    @property
    def active(self) -> bool:
        """Whether there is anything to replace."""
        return self._text is not None

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return self._text.sub(MARK, text) if self._text is not None else text

    def encoded(self, data: bytes) -> bytes:
        """Return UTF-8 bytes, such as encoded JSON, without the secrets."""
        return self._bytes.sub(MARK.encode(), data) if self._bytes is not None else data
