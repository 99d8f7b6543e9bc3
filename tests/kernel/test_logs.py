"""Logging: on stderr only, quiet by default, human or JSON, with secrets left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loopengt import get_logger
from loopengt.logs import configure, redact

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _afterwards_as_before() -> Iterator[None]:
    yield
    configure()


def test_it_is_quiet_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings are printed, what is less is not; nothing goes to stdout."""
    configure()
    log = get_logger("test")
    log.info("not shown")
    log.warning("shown", step="lint")
    out, err = capsys.readouterr()
    assert out == ""
    assert "not shown" not in err
    assert "shown" in err
    assert "step=lint" in err
    assert "\x1b[" not in err


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is an object with event, level, time and the logger's name; an exception is in it as text."""
    configure(form="json", level="info")
    log = get_logger("test")
    log.info("first", step="lint", where=("a", "b"))
    try:
        raise ValueError("boom")
    except ValueError:
        log.exception("second")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["logger_name"]) == ("first", "info", "test")
    assert (first["step"], first["where"]) == ("lint", ["a", "b"])
    assert first["timestamp"].endswith("Z")
    assert "ValueError: boom" in second["exception"]


def test_what_is_configured_later_holds_for_existing_loggers(capsys: pytest.CaptureFixture[str]) -> None:
    """The level can be changed, as the command line does."""
    configure(level="error")
    log = get_logger("test")
    log.warning("hidden")
    configure(level="debug")
    log.debug("visible")
    err = capsys.readouterr().err
    assert "visible" in err
    assert "hidden" not in err


def test_secrets_are_left_out_by_their_name() -> None:
    """Values whose keys are named like secrets are replaced at any depth; look-alikes stay."""
    event = {
        "event": "call",
        "api_key": "sk-1",
        "OPENAI_API_KEY": "sk-2",
        "Authorization": "Bearer x",
        "access_token": "t",
        "password": 1234,
        "client_secret": "s",
        "headers": [{"X-Api-Key": "sk-3", "accept": "json"}],
        "tokens": 120,
        "prompt_tokens": 100,
        "idempotency_key": "run/1",
        "token": None,
    }
    found = redact(None, "info", event)
    hidden = {key for key, value in found.items() if value == "[redacted]"}
    assert hidden == {
        "api_key",
        "OPENAI_API_KEY",
        "Authorization",
        "access_token",
        "password",
        "client_secret",
    }
    assert found["headers"] == [{"X-Api-Key": "[redacted]", "accept": "json"}]
    assert (found["tokens"], found["prompt_tokens"], found["idempotency_key"]) == (120, 100, "run/1")
    assert event["api_key"] == "sk-1"
