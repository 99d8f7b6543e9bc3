"""Redaction: which names stand for secrets, and that nothing of their values is left."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from loopengt import ConfigError, Kernel
from loopengt.redaction import MARK, Redactor, is_secret_name
from loopengt.user_patterns import WITHHELD

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize("secret", ["pa/ss+wo rd=&ä", "0123456789", 'quo"te\\back'])
def test_a_secret_is_found_in_other_forms(secret: str) -> None:
    """In an address, in JSON within JSON, and in Base64 wherever it stands in there, no part of use is left."""
    redactor = Redactor([secret])
    for text in (quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(json.dumps(secret))):
        assert MARK in redactor.text(f"<{text}>")
    for before in ("", "u", "us", "user:", "a" * 10):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(f"{before}{secret}!".encode()).decode()
            cleaned = redactor.text(f"Basic {text}")
            assert MARK in cleaned
            assert len(cleaned) < len(f"Basic {MARK}") + len(before) * 4 / 3 + 7


@pytest.mark.parametrize("secret", ["pa/ss+wo rd=&ä", "0123456789", 'quo"te\\back', "<'tis-a-key'>"])
def test_no_form_of_a_secret_is_left_in_encoded_json(secret: str) -> None:
    """A text of JSON that is an answer's text again, and what HTML, Python, PHP and addresses make of a secret."""
    redactor = Redactor([secret])
    once = json.dumps(secret)
    forms = [secret, once, json.dumps(once), json.dumps(json.dumps(secret, ensure_ascii=False))]
    forms += [once.replace("/", "\\/"), repr(secret), html.escape(secret), html.escape(secret, quote=False)]
    forms += [quote(secret), re.sub("%..", lambda code: code[0].lower(), quote(secret, safe=""))]
    for form in forms:
        for ensure_ascii in (True, False):
            encoded = json.dumps({"output": f"<{form}>"}, ensure_ascii=ensure_ascii).encode()
            if ensure_ascii and not form.isascii():
                continue  # the journal's encoder escapes no letters
            found = json.loads(redactor.encoded(encoded))["output"]
            assert found in (f"<{MARK}>", f"<'{MARK}'>", f'<"{MARK}">', f'<"\\"{MARK}\\"">'), form


@pytest.mark.parametrize("secret", ["token-123", "nine-nine", 'ends-in"', "ends-in-\\", "u00e9-abcdef"])
def test_encoded_json_stays_json(secret: str) -> None:
    """Also where a secret begins with the letter of an escape, or ends with a quotation mark or a backslash."""
    redactor = Redactor([secret])
    for text in (secret, f"\\{secret}", f"\n{secret[1:]}", f"{secret}\n", f"\t{secret}", f"é{secret[5:]}"):
        ((key, value),) = json.loads(redactor.encoded(json.dumps({text: text}).encode())).items()
        assert secret not in key
        assert secret not in value


TOKENS = [
    "sk-proj-abcDEF0123456789abcdef",
    "sk-ant-api03-AbC_def-0123456789",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_11ABCDEFG0123456789_abcdefghijklmnop",
    "xoxb-123456789012-abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA-0123456789abcdefghijklmnopqrstu",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "glpat-0123456789abcdefghij",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
]


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_known_by_their_look(token: str) -> None:
    """Alone, in quotes, behind an equals sign, at the end of a line and in encoded JSON; not when that is off."""
    redactor = Redactor((), tokens=True)
    for text in (token, f'key="{token}"', f"KEY={token}\n", f"see\n{token}, please", f"é{token}."):
        assert token not in redactor.text(text)
        assert MARK in redactor.text(text)
        nested = json.dumps({"arguments": json.dumps({"text": text})})
        assert token not in json.dumps(json.loads(redactor.encoded(nested.encode())))
    assert Redactor(()).text(token) == token


@pytest.mark.parametrize(
    "header", ["Authorization: Bearer ", '"authorization": "Bearer ', "AUTHORIZATION=Basic "]
)
def test_what_a_header_authorizes_with_is_a_secret(header: str) -> None:
    """The value goes, the name of the header and of the scheme stay."""
    text = Redactor((), tokens=True).text(f'{header}abc.DEF~ghi" rest')
    assert text == f'{header}{MARK}" rest'
    assert Redactor((), tokens=True).text("the Bearer q1w2e3r4t5y6u7 of it") == f"the Bearer {MARK} of it"


KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/=\nabc\n-----END RSA PRIVATE KEY-----"
)


def test_private_keys_are_taken_out_whole() -> None:
    """With line breaks, with escaped ones, in JSON, and what there is of one that was cut off."""
    redactor = Redactor((), tokens=True)
    assert redactor.text(f"a {KEY} b {KEY} c") == f"a {MARK} b {MARK} c"
    assert redactor.text(KEY.replace("\n", "\\n")) == MARK
    cut = KEY.replace("Proc-Type: 4,ENCRYPTED\n\n", "")[:45]
    assert redactor.text(f"{cut}… more") == f"{MARK}… more"
    assert json.loads(redactor.encoded(json.dumps([KEY, "b", cut]).encode())) == [MARK, "b", MARK]
    assert redactor.text(KEY.replace("RSA PRIVATE", "PUBLIC")) == KEY.replace("RSA PRIVATE", "PUBLIC")


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-compatible-estimators-are-nice",
        "task-0123456789abcdefghij",
        "the bearer of this letter-of-recommendation",
        "AKIA is a prefix",
        "ghp_short",
        "eyJhbGciOi and so on",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_ordinary_words_are_no_tokens(text: str) -> None:
    """What only begins like a token is left alone."""
    assert Redactor((), tokens=True).text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "sk-" * 700_000,
        "eyJ" * 700_000,
        "xoxb-" * 400_000,
        "Bearer " * 300_000,
        "Authorization: " * 140_000,
        "-----BEGIN PRIVATE KEY-----" * 80_000,
        "-----BEGIN PRIVATE KEY-----" + "\\" * 2_000_000,
        "Bearer " + "a-" * 1_000_000,
        "eyJ" + "a" * 2_000_000,
    ],
)
def test_no_text_makes_the_search_for_tokens_slow(text: str) -> None:
    """Two megabytes that begin a token at every place take well below the seconds of a search that looks back."""
    began = time.process_time()
    Redactor((), tokens=True).text(text)
    assert time.process_time() - began < 3


def test_patterns_replace_what_they_find() -> None:
    """In text and in JSON, keys included; numbers and all else stay as they are."""
    redactor = Redactor((), patterns=[r"MY-\d+", "(?i)geheim"])
    assert redactor.text("a MY-12 b Geheim c") == f"a {MARK} b {MARK} c"
    data = {"MY-1": [1.5, None, True, "x MY-2"], "b": {"c": "MY-3"}}
    assert json.loads(redactor.encoded(json.dumps(data).encode())) == {
        MARK: [1.5, None, True, f"x {MARK}"],
        "b": {"c": MARK},
    }
    assert redactor.encoded(b"no JSON: MY-4") == f"no JSON: {MARK}".encode()
    assert redactor.text("\udc80 MY-5") == f"\udc80 {MARK}"


def test_a_pattern_that_finds_nothing_everywhere_changes_nothing() -> None:
    """A match of no characters is none."""
    assert Redactor((), patterns=["x*"]).text("axb") == f"a{MARK}b"


@pytest.mark.slow
def test_a_pattern_that_would_take_for_ever_is_ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text is withheld, the log names the pattern, other texts are searched through all the same."""
    monkeypatch.setattr("loopengt.user_patterns._SECONDS", 0.3)
    redactor = Redactor((), patterns=[r"MY-\d+", r"(a+)+$"])
    evil = "a" * 60 + "!"
    began = time.monotonic()
    found = json.loads(redactor.encoded(json.dumps([evil, "MY-1", evil + "!"]).encode()))
    assert found == [WITHHELD, MARK, WITHHELD]
    assert redactor.text("MY-2") == MARK
    for number in range(5):
        assert redactor.text(evil * (number + 1)) == WITHHELD
    assert time.monotonic() - began < 30
    told = capsys.readouterr().err
    assert told.count("takes too long") == 3
    assert "(a+)+$" in told


def test_a_bad_pattern_is_a_config_error_that_names_it(project: Path) -> None:
    """The message has the file, the setting, the pattern, and what is wrong."""
    (project / ".loopengt/config.toml").write_text('[redaction]\npatterns = ["fine", "ghp_[a-z"]\n')
    with pytest.raises(ConfigError, match=r"config.toml: redaction.patterns: 'ghp_\[a-z' is not a regular"):
        _ = Kernel(project, environ={}, plugins=[]).config


def test_the_settings_say_what_is_secret(project: Path) -> None:
    """Patterns, names of variables, and whether tokens are looked for in what leaves."""
    (project / ".loopengt/config.toml").write_text(
        '[redaction]\npatterns = ["MY-[0-9]{2,3}"]\nnames = ["MY_THING"]\n'
    )
    environ = {"MY_THING": "a-thing-of-mine", "OTHER": "another-thing"}
    kernel = Kernel(project, environ=environ, plugins=[])
    text = f"MY-12 a-thing-of-mine another-thing {TOKENS[0]}"
    inside = Redactor.of_project(kernel, environ)
    assert inside.text(text) == f"{MARK} {MARK} another-thing {TOKENS[0]}"
    leaving = Redactor.of_project(kernel, environ, leaving=True)
    assert leaving.text(text) == f"{MARK} {MARK} another-thing {MARK}"
    off = Kernel(project, environ=environ, plugins=[], options={"redaction.tokens": "off"})
    assert Redactor.of_project(off, environ, leaving=True).text(text) == inside.text(text)


def test_a_pattern_may_stand_in_the_environment(tmp_path: Path) -> None:
    """With its commas and brackets it is one pattern; a TOML list is several; a switch is true or false."""

    def patterns(text: str) -> object:
        environ = {"LOOPENGT_REDACTION__PATTERNS": text}
        return Kernel(tmp_path, environ=environ, plugins=[]).setting("redaction", "patterns")

    assert patterns("[a-z]{2,3}-x") == ("[a-z]{2,3}-x",)
    assert patterns("['a{1,2}', \"b\"]") == ("a{1,2}", "b")
    with pytest.raises(ConfigError, match="true or false is expected"):
        Kernel(tmp_path, environ={}, plugins=[], options={"redaction.tokens": "maybe"}).setting(
            "redaction", "tokens"
        )
