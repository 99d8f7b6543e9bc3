"""The options of the plugin, ``[plugins.otel]`` in config.toml."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

__all__ = ["OtelOptions"]

_HEADER = re.compile(r"[A-Za-z0-9_.-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_Header = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class OtelOptions(BaseModel):
    """Where spans go, and what is in them; what is not set here is taken from the ``OTEL_…`` variables."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    endpoint: str = Field(
        default="",
        description="Address of the receiver, such as http://127.0.0.1:4318; empty: as OTEL_EXPORTER_OTLP_ENDPOINT "
        "says, else this machine.",
    )
    protocol: Literal["", "http", "grpc"] = Field(
        default="", description="http or grpc; empty: as OTEL_EXPORTER_OTLP_PROTOCOL says, else http."
    )
    headers: dict[_Header, str] = Field(
        default_factory=dict,
        description="Headers to send: each with the name of the environment variable that holds its value.",
    )
    content: bool | None = Field(
        default=None,
        description="Whether prompts, outputs and what tools are given and return are sent; null: as "
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT says, else not.",
    )
    content_limit: int = Field(
        default=16_384,
        ge=64,
        le=1_000_000,
        description="Most characters of one such text; the rest is cut off.",
    )
    service_name: str = Field(
        default="",
        max_length=255,
        description="Name of the service; empty: as OTEL_SERVICE_NAME says, else loopengt.",
    )
    project: str = Field(
        default="",
        max_length=255,
        description="Project of the receiver, where it knows projects, as Phoenix does.",
    )
    logs: bool = Field(
        default=True,
        description="Whether judges' scores are sent as log events, too, where the receiver takes those.",
    )
    batch_size: int = Field(default=512, ge=1, le=10_000, description="Most spans of one request.")
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        le=600,
        description="Seconds that one batch may take, further tries included; null: as OTEL_EXPORTER_OTLP_TIMEOUT "
        "says, else 10.",
    )
    queue_size: int = Field(
        default=8_192,
        ge=1,
        le=1_000_000,
        description="Most spans of live runs that wait; further ones are dropped.",
    )
    flush_seconds: float = Field(
        default=3.0,
        ge=0,
        le=4.5,
        description="Seconds that the end of a live run waits for what is not sent yet; the engine gives observers 5.",
    )

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, endpoint: str) -> str:
        return endpoint and checked_address(endpoint)

    @field_validator("headers")
    @classmethod
    def _name_variables(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, variable in headers.items():
            if not _HEADER.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a header")
            if not _VARIABLE.fullmatch(variable):
                raise ValueError(f"header {name!r}: give the name of an environment variable, not a value")
        return {name.lower(): variable for name, variable in headers.items()}


def checked_address(address: str) -> str:
    """Return an address that can be sent to.

    Raises:
        ValueError: It is none, or holds a password; the address itself is not in the message.
    """
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise ValueError("it is not an address: its host or port makes no sense") from exc
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("it is not an address that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("it holds a user or password: send those by a header, such as authorization")
    if parts.query or parts.fragment or re.search(r"\s|[\x00-\x1f\x7f]", address):
        raise ValueError("it has a query, a fragment or blanks: give scheme, host, port and path only")
    return address
