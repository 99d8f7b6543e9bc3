"""Says of a failed request what kind of failure it is, in words that hold no key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from loopengt.redaction import MARK
from loopengt_hookspecs.errors import AgentError, MissingRequirement, RateLimited
from loopengt_llm.adapter.waiting import seconds_to_wait

if TYPE_CHECKING:
    from loopengt_hookspecs.model_adapters import ModelSettings

__all__ = ["agent_error", "half_answer", "rejected", "timed_out"]

_LONGEST = 600
_ADVERTISED = re.compile(r"For further information visit \S+")
_PASSING = ("ConnectionError",)

# By name: not every version of pydantic-ai has each of these classes. The first that an error has among its own
# and its bases counts: (class, kind, further kinds, remedy).
_BY_CLASS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("ModelQuotaExceededError", "QuotaExceeded", (), "Add credit at the service, or use another provider."),
    ("ModelRateLimitError", "RateLimited", ("RateLimitError", *_PASSING), ""),
    ("ModelRequestTimeout", "TimeoutError", (), ""),
    ("ModelTimeoutError", "TimeoutError", (), ""),
    ("ModelConnectionError", "ConnectionError", (), ""),
    ("ModelUnavailableError", "OverloadedError", ("ServerError", *_PASSING), ""),
    ("ModelServerError", "ServerError", _PASSING, ""),
    (
        "ModelContextWindowExceededError",
        "ContextWindowExceeded",
        (),
        "Set context_tokens of the step, or use a model with a larger window.",
    ),
    ("ModelAuthenticationError", "AuthenticationError", (), "Check the key, and what it may do."),
    ("ModelNotFoundError", "ModelNotFound", (), "Check the model's name, and the base_url where one is set."),
    ("ModelRequestRejectedError", "RequestRejected", (), "Check the settings of the agent."),
    ("UserError", "RequestRejected", (), "Check the settings of the agent."),
    ("TimeoutException", "TimeoutError", (), ""),
    ("TimeoutError", "TimeoutError", (), ""),
    ("TransportError", "ConnectionError", (), ""),
    ("OSError", "ConnectionError", (), ""),
)
_LACKING = frozenset({"AuthenticationError", "ModelNotFound", "QuotaExceeded"})
"""Kinds that a person has to mend; then the run goes on where it was."""
_BY_STATUS = {
    401: "ModelAuthenticationError",
    403: "ModelAuthenticationError",
    404: "ModelNotFoundError",
    408: "ModelTimeoutError",
    429: "ModelRateLimitError",
    503: "ModelUnavailableError",
    529: "ModelUnavailableError",
}


def agent_error(error: Exception, settings: ModelSettings) -> AgentError:
    """Return a failed request as an error that the engine understands.

    Args:
        error: What pydantic-ai, or the client below it, has raised.
        settings: Whose request it was; its secrets are taken out of the message.
    """
    kind, kinds, remedy = _classify(error)
    message = f"{_who(settings)}: {_clean(_detail(error), settings)}"
    if kind == "RateLimited":
        return RateLimited(
            message, remedy=remedy, kind=kind, kinds=kinds, retry_after=_retry_after(error, settings)
        )
    if kind in _LACKING:
        return MissingRequirement(message, remedy=remedy, kind=kind)
    retry_after = _retry_after(error, settings) if kinds else None
    return AgentError(message, remedy=remedy, kind=kind, kinds=kinds, retry_after=retry_after)


def half_answer(settings: ModelSettings) -> AgentError:
    """Return the error for a stream that has ended before the answer was whole."""
    return AgentError(
        f"{_who(settings)}: the answer broke off before its end",
        remedy="If the service always ends so, without a finish_reason: set stream to false in config.extra.",
        kind="ConnectionError",
        kinds=("InvalidResponse",),
    )


def timed_out(settings: ModelSettings) -> AgentError:
    """Return the error for a request that took longer than it may."""
    return AgentError(
        f"{_who(settings)}: no answer within {settings.timeout_seconds:g} s", kind="TimeoutError"
    )


def rejected(settings: ModelSettings, what: str, remedy: str) -> AgentError:
    """Return the error for a request that cannot be sent as it is."""
    return AgentError(f"{_who(settings)}: {what}", remedy=remedy, kind="RequestRejected")


def _classify(error: Exception) -> tuple[str, tuple[str, ...], str]:
    names = {cls.__name__ for cls in type(error).__mro__}
    status = getattr(error, "status_code", None)
    if not any(name in names for name, *_ in _BY_CLASS) and isinstance(status, int) and status >= 400:
        fallback = "ModelServerError" if status >= 500 else "ModelRequestRejectedError"
        names = {_BY_STATUS.get(status, fallback)}
    for name, kind, kinds, remedy in _BY_CLASS:
        if name in names:
            return kind, kinds, remedy
    # What is left could not be read: a body that is no JSON, or not of the shape that it should have.
    return "InvalidResponse", _PASSING, ""


def _retry_after(error: Exception, settings: ModelSettings) -> float | None:
    headers = getattr(error, "headers", None)
    wait = seconds_to_wait(headers) if isinstance(headers, Mapping) else None
    if wait is None:
        told = getattr(error, "retry_after", None)
        wait = float(told) if isinstance(told, int | float) else None
    return wait


def _detail(error: Exception) -> str:
    """Return what the service says, without the wrapping that its client puts around it."""
    status = getattr(error, "status_code", None)
    said = _said(getattr(error, "body", None)) or str(error) or type(error).__name__
    known = isinstance(status, int) or hasattr(error, "model_name")
    prefix = f"HTTP {status}: " if isinstance(status, int) else "" if known else f"{type(error).__name__}: "
    behind = _root(error) if known and not isinstance(status, int) else ""
    return prefix + said + (f" ({behind})" if behind and behind not in said else "")


def _root(error: BaseException) -> str:
    """Return what lies behind an error, such as that a connection was refused."""
    for _ in range(10):
        below = error.__cause__ or error.__context__
        if below is None:
            break
        error = below
    return str(error)


def _said(body: Any) -> str:
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, Mapping) else inner
        return str(message or "")
    return body if isinstance(body, str) else ""


def _clean(text: str, settings: ModelSettings) -> str:
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        text = text.replace(secret, MARK)
    text = " ".join(_ADVERTISED.sub("", text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _secrets(settings: ModelSettings) -> set[str]:
    password = urlsplit(settings.base_url).password
    # Short header values are names and versions, which a message may hold for good reason.
    values = {value for value in settings.headers.values() if len(value) >= 8}
    return {value for value in (settings.api_key, password, *values) if value}


def _who(settings: ModelSettings) -> str:
    place = urlsplit(settings.base_url).netloc.rpartition("@")[2]
    return f"{settings.provider}:{settings.model}" + (f" at {place}" if place else "")
