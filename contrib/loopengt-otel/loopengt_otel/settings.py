"""Where and how to send: the plugin's options, and the variables that OpenTelemetry has for the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from loopengt import ConfigError
from loopengt.redaction import keep_secret

from loopengt_otel import __version__
from loopengt_otel import conventions as names
from loopengt_otel.options import checked_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_otel.options import OtelOptions

__all__ = ["Settings", "Signal", "Target", "is_disabled", "read_settings"]

Signal = Literal["traces", "logs"]

_PROTOCOLS = {"grpc": "grpc", "http": "http", "http/protobuf": "http"}
_PORTS = {"http": 4318, "grpc": 4317}
_YES, _NO = frozenset({"true", "1", "yes", "on"}), frozenset({"", "false", "0", "no", "off", "no_content"})
_CONTENT = frozenset({"span_only", "event_only", "span_and_event"})
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where one signal goes."""

    protocol: str
    """http or grpc."""
    address: str
    """The whole address; of gRPC without a path."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = _SECONDS
    gzip: bool = False
    authority_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    @property
    def secure(self) -> bool:
        """Whether it is reached by TLS."""
        return self.address.startswith("https:")


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the options and the environment say."""

    traces: Target
    logs: Target | None
    """None: no logs are sent."""
    resource: Mapping[str, str]
    content: bool
    content_limit: int
    batch_size: int
    queue_size: int
    flush_seconds: float


def is_disabled(environ: Mapping[str, str]) -> str:
    """Return the variable that switches sending off, or an empty text."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return "OTEL_SDK_DISABLED=true"
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return "OTEL_TRACES_EXPORTER=none"
    return ""


def read_settings(options: OtelOptions, environ: Mapping[str, str]) -> Settings:
    """Put options and environment together; an option wins over a variable.

    Raises:
        ConfigError: One of the variables makes no sense, or one that an option names is missing.
    """
    no_logs = not options.logs or environ.get("OTEL_LOGS_EXPORTER", "").strip().lower() == "none"
    return Settings(
        traces=_target("traces", options, environ),
        logs=None if no_logs else _target("logs", options, environ),
        resource=_resource(options, environ),
        content=_content(environ) if options.content is None else options.content,
        content_limit=options.content_limit,
        batch_size=options.batch_size,
        queue_size=options.queue_size,
        flush_seconds=options.flush_seconds,
    )


def _target(signal: Signal, options: OtelOptions, environ: Mapping[str, str]) -> Target:
    def variable(name: str) -> tuple[str, str]:
        """Name and value of the variable that counts: that of the signal, else the common one."""
        for full in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}", f"OTEL_EXPORTER_OTLP_{name}"):
            if environ.get(full, "").strip():
                return full, environ[full].strip()
        return "", ""

    source, wanted = variable("PROTOCOL")
    protocol = options.protocol or _PROTOCOLS.get(wanted.lower(), "" if wanted else "http")
    if not protocol:
        raise ConfigError(
            f"{source}: the protocol {wanted!r} is not supported", remedy="Set grpc or http/protobuf."
        )
    compression, gzip = variable("COMPRESSION")
    if gzip.lower() not in ("", "none", "gzip"):
        raise ConfigError(f"{compression}: {gzip!r} is not supported", remedy="Set gzip or none.")
    insecure = variable("INSECURE")[1].lower() in _YES
    return Target(
        protocol,
        _address(signal, protocol, options, *variable("ENDPOINT"), insecure=insecure),
        _headers(options, *variable("HEADERS"), environ=environ),
        options.timeout_seconds or _timeout(*variable("TIMEOUT")),
        gzip.lower() == "gzip",
        variable("CERTIFICATE")[1],
        variable("CLIENT_CERTIFICATE")[1],
        variable("CLIENT_KEY")[1],
    )


def _address(
    signal: Signal, protocol: str, options: OtelOptions, source: str, value: str, *, insecure: bool
) -> str:
    whole = source.endswith(f"_{signal.upper()}_ENDPOINT") and not options.endpoint
    address = options.endpoint or value or f"http://localhost:{_PORTS[protocol]}"
    if protocol == "grpc" and "://" not in address:  # the scheme may be left out there
        address = f"{'http' if insecure else 'https'}://{address}"
    try:
        checked_address(address)
    except ValueError as exc:
        raise ConfigError(f"{source or 'plugins.otel.endpoint'}: {exc}") from exc
    parts = urlsplit(address)
    if protocol == "grpc":
        return f"{parts.scheme}://{parts.netloc}"
    if whole:
        return address
    base = re.sub(r"/v1/(traces|logs|metrics)/?$", "", address).rstrip("/")
    return f"{base}/v1/{signal}"


def _headers(options: OtelOptions, source: str, value: str, *, environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, tuple[str, str]] = {}
    for pair in filter(None, (part.strip() for part in value.split(","))):
        name, equals, text = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z0-9_.-]+", name.strip()):
            raise ConfigError(
                f"{source}: one of the headers is not NAME=VALUE", remedy="Write name=value,name2=value2."
            )
        found[name.strip().lower()] = (source, unquote(text.strip()))
    for name, variable in options.headers.items():
        if not environ.get(variable, "").strip():
            raise ConfigError(
                f"plugins.otel.headers.{name}: the environment variable {variable} is not set",
                remedy=f"Set {variable}, or take the header out.",
            )
        found[name] = (variable, environ[variable].strip())
    for name, (origin, text) in found.items():
        _keep(text)
        if not text.isascii() or not text.isprintable():
            raise ConfigError(f"{origin}: the value of the header {name!r} is not printable ASCII text")
    return {name: text for name, (_, text) in found.items()}


def _keep(text: str) -> None:
    keep_secret(text)
    scheme, _, credentials = text.partition(" ")
    if credentials and scheme.isalpha():  # Bearer …, Basic …
        keep_secret(credentials.strip())


def _timeout(source: str, value: str) -> float:
    if not value:
        return _SECONDS
    try:
        milliseconds = float(value)
    except ValueError:
        milliseconds = -1
    if not 0 < milliseconds <= 600_000:
        raise ConfigError(f"{source}: {value!r} is not a number of milliseconds from 1 to 600000")
    return milliseconds / 1000


def _content(environ: Mapping[str, str]) -> bool:
    name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    value = environ.get(name, "").strip().lower()
    if value in _NO:
        return False
    if value not in _YES | _CONTENT:
        raise ConfigError(f"{name}: {value!r} is neither true nor false")
    return True


def _resource(options: OtelOptions, environ: Mapping[str, str]) -> dict[str, str]:
    source = "OTEL_RESOURCE_ATTRIBUTES"
    found = {"service.name": "loopengt"}
    for pair in filter(None, (part.strip() for part in environ.get(source, "").split(","))):
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise ConfigError(
                f"{source}: {pair!r} is not NAME=VALUE", remedy="Write name=value,name2=value2."
            )
        found[unquote(name.strip())] = unquote(text.strip())
    named = {
        "service.name": options.service_name or environ.get("OTEL_SERVICE_NAME", "").strip(),
        names.PROJECT: options.project,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "loopengt-otel",
        "telemetry.sdk.version": __version__,
    }
    return found | {name: value for name, value in named.items() if value}
