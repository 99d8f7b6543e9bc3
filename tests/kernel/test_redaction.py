"""Redaction: which names stand for secrets, and that nothing of their values is left."""

from __future__ import annotations

import json

import pytest

from loopengt.redaction import MARK, Redactor, is_secret_name


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "GITHUB_TOKEN", "db_password", "AWS_SECRET_ACCESS_KEY", "TOKEN", "MY_CREDENTIALS"],
)
def test_names_of_secrets_are_known(name: str) -> None:
    """A variable that is named like a key, token, password or secret is taken for one."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "KEYBOARD", "TOKENIZERS_PARALLELISM", "SSH_AUTH_SOCK", "MONKEY"]
)
def test_ordinary_names_are_left_alone(name: str) -> None:
    """A variable that only looks a little like one is not."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "secret", ["sk-123456789", 'quo"te\\back-slash', "ünïcödé-sécret", "line\nbreak-secret"]
)
def test_no_form_of_a_secret_is_left(secret: str) -> None:
    """Neither text nor encoded JSON, escaped or not, holds the secret afterwards."""
    redactor = Redactor([secret])
    assert redactor.text(f"the key {secret}!") == f"the key {MARK}!"
    for ensure_ascii in (True, False):
        encoded = json.dumps({"a": [f"x{secret}y"]}, ensure_ascii=ensure_ascii).encode()
        assert json.loads(redactor.encoded(encoded)) == {"a": [f"x{MARK}y"]}


def test_the_longer_secret_goes_first() -> None:
    """A secret that begins like a shorter one is replaced whole."""
    assert Redactor(["abcdefgh", "abcdefgh-ijkl"]).text("abcdefgh-ijkl") == MARK


def test_short_values_are_no_secrets() -> None:
    """A value of a few characters would blank out ordinary words, so it is left."""
    redactor = Redactor.of_environment({"API_KEY": "true", "TOKEN": ""})
    assert not redactor.active
    assert redactor.text("true") == "true"
