"""Keeps secrets out of what is written down: known values, what patterns find, and what looks like a token."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from loopengt.user_patterns import UserPatterns

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


class Settings(Protocol):
    """What says how to redact: a kernel, or the components of a plugin's context."""

    def setting(self, section: str, key: str) -> Any:
        """Return a setting of config.toml."""


class Redactor:
    """Replaces secrets in text and in encoded JSON: those it is given, and those of ``keep_secret``.

    A known secret is also found as it stands within JSON, in an address, and in Base64.

    Args:
        secrets: The values to replace; those shorter than 8 characters are left alone.
        patterns: Regular expressions whose matches are replaced; each is valid.
        tokens: Also replace what has the look of a well-known service's token, or of a private key.
    """

    def __init__(self, secrets: Iterable[str], *, patterns: Sequence[str] = (), tokens: bool = False) -> None:
        self._secrets = {value for value in secrets if len(value) >= SHORTEST} | _kept
        self._forms: tuple[list[str], list[bytes]] | None = None
        self._tokens = tokens
        self._patterns: UserPatterns | None = None
        if patterns:
            from loopengt.user_patterns import UserPatterns

            self._patterns = UserPatterns(patterns, MARK)
        _redactors.add(self)

    @classmethod
    def of_environment(
        cls,
        environ: Mapping[str, str],
        *,
        names: Iterable[str] = (),
        patterns: Sequence[str] = (),
        tokens: bool = False,
    ) -> Redactor:
        """Make a redactor for the secrets that an environment holds.

        Args:
            environ: The environment.
            names: Variables whose values are secrets although their names do not say so.
            patterns: As for the class.
            tokens: As for the class.
        """
        wanted = {name for name in environ if is_secret_name(name)}.union(names)
        found = (environ[name] for name in wanted if name in environ)
        return cls(found, patterns=patterns, tokens=tokens)

    @classmethod
    def of_project(cls, settings: Settings, environ: Mapping[str, str], *, leaving: bool = False) -> Redactor:
        """Make the redactor of a project, as ``[redaction]`` of its config.toml says.

        Args:
            settings: The kernel, or a plugin's components.
            environ: The environment that holds the secrets.
            leaving: For what is shown or sent: also without what looks like a token, unless that is switched off.

        Raises:
            ConfigError: The settings are not usable.
        """
        return cls.of_environment(
            environ,
            names=settings.setting("redaction", "names"),
            patterns=settings.setting("redaction", "patterns"),
            tokens=leaving and settings.setting("redaction", "tokens"),
        )

    def learn(self, value: str) -> None:
        """Replace one more value from now on."""
        self._secrets.add(value)
        self._forms = None

    @property
    def active(self) -> bool:
        """Whether there is anything to replace."""
        return bool(self._secrets) or self._tokens or self._patterns is not None

    @property
    def has_patterns(self) -> bool:
        """Whether patterns are searched for, which another process does and which may take its time."""
        return self._patterns is not None

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        text = self._without_known(text)
        return self._patterns.clean([text])[0] if self._patterns is not None and text else text

    def encoded(self, data: bytes) -> bytes:
        """Return UTF-8 bytes, such as encoded JSON, without the secrets; JSON stays JSON."""
        return self.all_encoded([data])[0]

    def all_encoded(self, many: Sequence[bytes]) -> list[bytes]:
        """Do as ``encoded`` with many at once, which is quicker by far where they hold no secret."""
        if self._patterns is not None:
            return _replace(many, self._all_texts)
        if not self._suspects(b"\n".join(many)):
            return list(many)
        return [_replace([data], self._all_texts)[0] if self._suspects(data) else data for data in many]

    def _all_texts(self, texts: list[str]) -> list[str]:
        texts = [self._without_known(text) for text in texts]
        return texts if self._patterns is None else self._patterns.clean(texts)

    def _suspects(self, data: bytes) -> bool:
        if any(form in data for form in self._known()[1]):
            return True
        if not self._tokens:
            return False
        from loopengt.token_shapes import may_hold_tokens

        return may_hold_tokens(data)

    def _without_known(self, text: str) -> str:
        present = [form for form in self._known()[0] if form in text]
        if present:
            text = re.sub("|".join(map(re.escape, present)), MARK, text)
        if self._tokens:
            from loopengt.token_shapes import without_tokens

            text = without_tokens(text, MARK)
        return text

    def _known(self) -> tuple[list[str], list[bytes]]:
        """Return all forms of the secrets, as text and as bytes, the longest first."""
        if self._forms is None:
            from loopengt.secret_forms import as_encoded, forms_of

            found = {form for value in self._secrets for form in forms_of(value)}
            longest_first = sorted(found, key=len, reverse=True)
            # What is searched may be a text, or the JSON of one, in which its quotation marks are escaped once more.
            raw = {form.encode("utf-8", "surrogateescape") for form in found}
            self._forms = (longest_first, sorted(raw | set(map(as_encoded, found))))
        return self._forms


def _replace(many: Sequence[bytes], clean: Callable[[list[str]], list[str]]) -> list[bytes]:
    from loopengt.text_walk import replace_texts

    return replace_texts(many, clean)
