"""The trigger ``webhook``: when JSON is posted to an address of this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, field_validator, model_validator

from loopengt.redaction import keep_secret
from loopengt_hookspecs.errors import MissingRequirement, UsageError
from loopengt_hookspecs.models import TriggerOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from loopengt_hookspecs.models import LoopTrigger
    from loopengt_triggers.receiving import Receiver

__all__ = ["WebhookKind", "WebhookOptions", "WebhookTrigger", "is_loopback"]

SHORTEST_TOKEN = 16
"""Characters that a token must have."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class WebhookOptions(TriggerOptions):
    """Options of the trigger ``webhook``."""

    port: int = Field(ge=1, le=65_535, description="Port to listen on.")
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; without token_env this machine's own only.",
    )
    path: str = Field(
        default="/",
        pattern=r"^/[A-Za-z0-9._~/-]*$",
        description="Path that is posted to, such as /deploys.",
        max_length=200,
    )
    token_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable with the token that a caller must send: Authorization: Bearer TOKEN.",
    )
    max_body_bytes: int = Field(
        default=1_000_000, ge=1, le=10_000_000, description="Most bytes of what is posted."
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        if not host.isascii() or not host.isprintable() or any(char in host for char in " /@[]"):
            raise ValueError(f"{host[:60]!r} is no host: write an address such as 127.0.0.1")
        return host

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.token_env is None and not is_loopback(self.host):
            raise ValueError(
                f"everybody who reaches {self.host} could start runs: add token_env, or listen on 127.0.0.1"
            )
        return self


class WebhookTrigger:
    """Listens, and takes every sound post for an occasion.

    Args:
        options: Where, and who may.
    """

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._receiver: Receiver | None = None

    def plan(self) -> str:
        """Say where."""
        options = self._options
        host = f"[{options.host}]" if ":" in options.host else options.host
        token = f", with the token of {options.token_env}" if options.token_env else ""
        return f"POST http://{host}:{options.port}{options.path}{token}"

    def missing(self) -> list[MissingRequirement]:
        """Return the token when there is none."""
        name = self._options.token_env
        if name is None or len(os.environ.get(name, "")) >= SHORTEST_TOKEN:
            return []
        what = "is too short" if os.environ.get(name) else "is not set"
        message = f"the trigger webhook takes its token from {name}, which {what}"
        return [MissingRequirement(message, remedy=f'export {name}="$(openssl rand -hex 32)"')]

    async def occasions(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield what is posted.

        Raises:
            UsageError: There is no token, or nothing can listen there.
        """
        for lacking in self.missing():
            raise UsageError(lacking.message, remedy=lacking.remedy)
        from loopengt_triggers.receiving import Receiver

        options = self._options
        token = os.environ[options.token_env] if options.token_env else ""
        keep_secret(token)
        receiver = Receiver(options.path, token, options.max_body_bytes)
        receiver.start(_bind(options.host, options.port))
        self._receiver = receiver
        try:
            while True:
                yield await receiver.next()
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop listening."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            await receiver.close()


class WebhookKind:
    """Makes the triggers."""

    options = WebhookOptions

    def bind(self, trigger: LoopTrigger, project: Path) -> WebhookTrigger:
        """Make the trigger of one loop; it does not listen yet."""
        return WebhookTrigger(WebhookOptions.model_validate(trigger.config))


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=100)
    except (OSError, UnicodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise UsageError(
            f"the trigger webhook cannot listen on {host}, port {port}: {why}",
            remedy="Write another port or host in the trigger's config.",
        ) from exc
