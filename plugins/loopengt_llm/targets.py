"""Finds out whom an agent asks: service, model, address and key, from its spec, the config and the environment."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import MissingRequirement, UsageError
from loopengt_hookspecs.model_adapters import ModelSettings
from loopengt_llm.keys import read_headers, read_key
from loopengt_llm.options import ServiceDefaults, check_url
from loopengt_llm.services import SERVICES, Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from loopengt_hookspecs.models import AgentRole
    from loopengt_llm.options import AgentOptions, KeySource, LLMOptions

__all__ = ["Target"]

_CONNECT_SECONDS = 0.3
"""How long a program of this machine may take to take a connection."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an agent asks. What the spec says goes before the config, and that before the service's own defaults."""

    service: Service
    model: str
    """The service's name of the model; empty: nobody names one."""
    base_url: str
    """Empty: the service's own."""
    key: KeySource | None
    headers: Mapping[str, str]
    """Environment variable by header."""
    settings: Mapping[str, Any]
    project: Path
    by: str
    """The agent, for messages."""

    @classmethod
    def of(
        cls, service: Service, role: AgentRole, options: AgentOptions, config: LLMOptions, project: Path
    ) -> Target:
        """Find it for one role; an alias of the model may lead to another service."""
        said = "model" in role.config.model_fields_set
        model = role.config.model if said else _defaults(config, service).model or service.default_model
        service, model = _meant(service, model, config)
        defaults = _defaults(config, service)
        return cls(
            service=service,
            model=model,
            base_url=(options.base_url or defaults.base_url or _url_told(service)).rstrip("/"),
            key=options.key or defaults.key,
            headers={**defaults.headers_env, **options.headers_env},
            settings={**defaults.settings, **options.settings},
            project=project,
            by=f"agent {role.name!r}",
        )

    @property
    def name(self) -> str:
        """The model with its service, such as ``openai:gpt-4o``."""
        return f"{self.service.name}:{self.model}"

    @property
    def reports_cost(self) -> bool:
        """Whether every answer says what it has cost; another address than the service's own may not."""
        return self.service.reports_cost and not self.base_url

    def plan(self) -> str:
        """Whom an attempt would ask, on one line."""
        where = self.base_url or self.service.url
        whom = self.name if self.model else f"{self.service.name} (no model is named)"
        return f"ask {whom} at {where}" if where else f"ask {whom}"

    def missing(self) -> Iterator[MissingRequirement]:
        """Yield what is not set, each with what to do about it."""
        defaults = f"[plugins.llm.providers.{self.service.name}]"
        if not self.model:
            yield MissingRequirement(
                f"{self.by} names no model of {self.service.name}",
                remedy=f"set config.model of the agent, or model in {defaults} of .loopengt/config.toml",
            )
        if not self.base_url and not self.service.url:
            yield MissingRequirement(
                f"{self.by} does not say where its service is",
                remedy="set config.extra.base_url of the agent, such as http://localhost:8000/v1, "
                f"or base_url in {defaults} of .loopengt/config.toml",
            )
        for read in (self._key, self._headers):
            try:
                read()
            except MissingRequirement as lack:
                yield lack

    def unreachable(self) -> Iterator[MissingRequirement]:
        """Yield that nothing answers, where the service is to be a program of this machine."""
        from urllib.parse import urlsplit

        url = urlsplit(self.base_url or self.service.url)
        if url.hostname not in ("localhost", "127.0.0.1", "::1"):
            return
        try:
            port = url.port or (443 if url.scheme == "https" else 80)
            with socket.create_connection((url.hostname, port), timeout=_CONNECT_SECONDS):
                return
        except (OSError, ValueError):
            start = (
                "ollama serve" if self.service.name == "ollama" else "start the program that listens there"
            )
            yield MissingRequirement(
                f"{self.by}: nothing answers at {url.scheme}://{url.netloc}", remedy=start
            )

    def resolved(self) -> ModelSettings:
        """Return the settings that reach the model, the key included.

        Raises:
            MissingRequirement: Something is not set.
        """
        for lack in self.missing():
            raise lack
        return ModelSettings(
            provider=self.service.name,
            model=self.model,
            base_url=self.base_url,
            api_key=self._key(),
            headers=self._headers(),
        )

    def _key(self) -> str:
        service = self.service
        return read_key(
            self.key, service.key_variables, needed=service.needs_key, project=self.project, by=self.by
        )

    def _headers(self) -> dict[str, str]:
        return read_headers(self.headers, by=self.by)


def _url_told(service: Service) -> str:
    """Return the address that the environment tells, as the service's own libraries read it; empty: none.

    Raises:
        UsageError: It is none that a key may be sent to.
    """
    told = os.environ.get(service.url_variable, "").strip() if service.url_variable else ""
    if told:
        try:
            check_url(told)
        except ValueError as exc:
            raise UsageError(
                f"the environment variable {service.url_variable}: {str(exc).replace('base_url', 'it', 1)}",
                remedy="Correct it, or set base_url in the spec or the config, which go before it.",
            ) from None
    return told


def _defaults(config: LLMOptions, service: Service) -> ServiceDefaults:
    return config.providers.get(service.name) or ServiceDefaults()


def _meant(service: Service, model: str, config: LLMOptions) -> tuple[Service, str]:
    """Follow an alias, once; what stands before a colon is a service only when there is one of that name."""
    if model not in config.aliases:
        return service, model
    meant = config.aliases[model]
    name, colon, rest = meant.partition(":")
    if colon and name in SERVICES:
        other = SERVICES[name]
        return other, rest or _defaults(config, other).model or other.default_model
    return service, meant
