"""What a fake OpenAI-compatible service answers: one answer, and scripts of them."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

__all__ = ["ERRORS", "Answer", "AnswerData", "Script", "Scripts", "scripts_of"]

AnswerData: TypeAlias = "str | Mapping[str, Any]"
"""Text that the model says, or the fields of an ``Answer``."""

Script: TypeAlias = "Iterable[AnswerData] | Callable[[dict[str, Any]], AnswerData | None]"
"""Answers in their order; or a callable that gives all of them, None for the echo, from a request's body."""

ERRORS: dict[str, tuple[int, str, str]] = {
    "rate_limited": (429, "rate_limit_exceeded", "Rate limit reached."),
    "quota_exhausted": (429, "insufficient_quota", "You exceeded your current quota."),
    "server_error": (500, "server_error", "The server had an error."),
    "unavailable": (503, "service_unavailable", "The engine is currently overloaded."),
    "unauthorized": (401, "invalid_api_key", "Incorrect API key provided: {key}."),
    "model_not_found": (404, "model_not_found", "The model {model} does not exist."),
    "context_window": (400, "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
    "bad_request": (400, "invalid_request_error", "The request is invalid."),
    "used_up": (400, "script_used_up", "The script is used up."),
}
"""Failures by name: status, the service's code, message; ``{key}`` and ``{model}`` are those of the request."""

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the service."""

    text: str = ""
    json: Any = _ABSENT
    """JSON data that the model says instead of text, right or wrong."""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    """Each ``{name, arguments}`` and, when wanted, ``id``; arguments that are text are sent as they are."""
    reasoning: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """``prompt_tokens``, ``completion_tokens``, ``cached_tokens``, ``reasoning_tokens``, by default counts of words;
    anything else, such as ``cost``, is sent as it is."""
    model: str = ""
    """The model that has answered; default the one that was asked."""
    finish_reason: str = ""
    """Default ``stop``, or ``tool_calls`` when there are any."""
    error: str = ""
    """Name of a failure: a key of ``ERRORS``, ``bad_json`` or ``hang_up`` (no answer at all)."""
    message: str = ""
    """The failure's message; ``{key}`` becomes the request's API key."""
    retry_after: float | None = None
    """Seconds in the header ``Retry-After``."""
    retry_after_date: float | None = None
    """The same as HTTP date: so many seconds from now."""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    """HTTP status; default 200, or the failure's."""
    body: str | None = None
    """The whole body, as it is, instead of all that the other fields would make."""
    delay_seconds: float = 0.0
    """Time before anything is answered; it ends when the client goes."""
    cut: str = ""
    """``connection``: the answer breaks off in the middle; ``stream``: a streamed answer ends early, as if whole."""
    cut_after: int = 1
    """Pieces of a streamed answer that arrive before the cut."""

    @classmethod
    def of(cls, data: AnswerData) -> Answer:
        """Make it of text or of its fields.

        Raises:
            ValueError: A field or a failure is unknown; the message names those that there are.
        """
        if isinstance(data, str):
            return cls(text=data)
        known = {one.name for one in fields(cls)}
        if unknown := set(data) - known:
            raise ValueError(f"an answer has no field {sorted(unknown)}: use one of {sorted(known)}")
        answer = cls(**{**data, "tool_calls": tuple(data.get("tool_calls", ()))})
        failures = {"", "bad_json", "hang_up", *ERRORS}
        if answer.error not in failures:
            raise ValueError(f"unknown error {answer.error!r}: use one of {sorted(failures - {''})}")
        if answer.cut not in ("", "connection", "stream"):
            raise ValueError(f"unknown cut {answer.cut!r}: use 'connection' or 'stream'")
        return answer

    @property
    def said(self) -> str:
        """The text that the model says."""
        return self.text if self.json is _ABSENT else json.dumps(self.json)


class Scripts:
    """Gives each request its answer.

    Args:
        script: The common script.
        then: What a script that is used up gives: ``repeat`` (its last answer), ``error`` (status 400, which no client
            takes for a passing failure) or ``echo``.
        rules: Scripts of their own for requests in whose messages a text occurs, the first that fits; each used up
            as ``then`` says.
    """

    def __init__(self, script: Script, then: str, rules: Mapping[str, Script] | None = None) -> None:
        if then not in ("repeat", "error", "echo"):
            raise ValueError(f"unknown then {then!r}: use 'repeat', 'error' or 'echo'")
        self._lock = threading.Lock()
        self._common = _One(script, then)
        self._rules = [(text, _One(own, then)) for text, own in (rules or {}).items()]

    def add(self, answer: Answer) -> None:
        """Put an answer to the end of the common script."""
        with self._lock:
            self._common.left.append(answer)

    def take(self, body: dict[str, Any]) -> Answer | None:
        """Return the answer to a request; None: the echo."""
        with self._lock:
            one = self._of(body)
            if one.left:
                one.last = one.left.popleft()
                one.given += 1
                return one.last
        if one.call is not None:
            given = one.call(body)
            return None if given is None else Answer.of(given)
        return one.used_up()

    def _of(self, body: dict[str, Any]) -> _One:
        if self._rules:
            messages = json.dumps(body.get("messages", []), ensure_ascii=False)
            for text, one in self._rules:
                if json.dumps(text, ensure_ascii=False)[1:-1] in messages:
                    return one
        return self._common


class _One:
    """One script, and how much of it was used."""

    def __init__(self, script: Script, then: str) -> None:
        if isinstance(script, str | Mapping):
            raise TypeError(f"a script is {script!r}: put the answers into a list")
        self.call = script if callable(script) else None
        self.left: deque[Answer] = deque() if callable(script) else deque(map(Answer.of, script))
        self.last: Answer | None = None
        self.given = 0
        self._then = then

    def used_up(self) -> Answer | None:
        if self._then == "echo" or (self.given == 0 and self._then == "repeat"):
            return None
        if self._then == "repeat":
            return self.last
        had = f"it had {self.given} answer{'' if self.given == 1 else 's'}"
        return Answer(error="used_up", message=f"The script is used up: {had}, and another request came.")


def scripts_of(data: Any) -> Scripts:
    """Make the scripts of a file's JSON data.

    Args:
        data: A list of answers, whose end is an error; or an object with ``answers`` (a list), ``rules`` (an object:
            text to list) and ``then`` (``error``, ``repeat`` or ``echo``; default ``error``, or ``echo`` where no
            ``answers`` stand).

    Raises:
        ValueError: The data has another shape.
    """
    if isinstance(data, list):
        return Scripts(data, "error")
    if not isinstance(data, dict) or (unknown := set(data) - {"answers", "rules", "then"}):
        what = f"keys {sorted(unknown)}" if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"a script is a list, or an object of answers, rules and then; this has {what}")
    then = data.get("then", "error" if "answers" in data else "echo")
    return Scripts(data.get("answers", ()), then, data.get("rules"))
