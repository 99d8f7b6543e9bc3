"""Logging: structlog, set up at the first use of a logger; on stderr only, quiet by default.

Code that logs calls ``get_logger`` of this module instead of structlog's, so that the choices of the command
line hold and secrets stay out of the log.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import FilteringBoundLogger

__all__ = ["configure", "get_logger", "redact"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
REDACTED = "[redacted]"

_SECRET_PARTS = ("secret", "password", "passwd", "credential", "authorization")
_SECRET_ENDS = ("key", "token")
# Ends like a secret, but is what one looks a step up by.
_HARMLESS = {"idempotency_key"}

_wanted = {"form": "human", "level": "warning"}
_ready = False


def configure(*, form: str = "human", level: str = "warning") -> None:
    """Say how to log from now on; structlog is imported only when something does log.

    Args:
        form: ``human``, with colours on a terminal, or ``json``, one object a line.
        level: Least level that is logged: debug, info, warning or error.
    """
    _wanted.update(form=form, level=level)
    if _ready:  # loggers that exist already follow
        _set_up()


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module or plugin; its name is ``logger_name`` in each line."""
    import structlog

    if not _ready:
        _set_up()
    logger: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace, as a structlog processor, each value whose key is named like a secret, at any depth."""
    return {key: _redacted(key, value) for key, value in event.items()}


def _without_secrets(_logger: Any, _method: str, line: str) -> str:
    from loopengt.redaction import process_redactor

    return process_redactor().text(line)


def _redacted(key: object, value: Any) -> Any:
    if _is_secret(str(key).lower()) and value not in (None, "", True, False):
        return REDACTED
    if isinstance(value, dict):
        return {inner: _redacted(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", item) for item in value]
    return value


def _is_secret(key: str) -> bool:
    if key in _HARMLESS:
        return False
    return key.endswith(_SECRET_ENDS) or any(part in key for part in _SECRET_PARTS)


def _set_up() -> None:
    global _ready
    import structlog

    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    if _wanted["form"] == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    else:
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        processors.append(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain))
    processors.append(_without_secrets)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[_wanted["level"]]),
        # Looked up for each logger: stderr may be another one by then.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _ready = True
