"""Judges and expectations as a person names them on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import SpecError, UsageError
from loopengt.evaluating import judge_specs, read_data

from .evaluating_kit import Told, good, kernel_with

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the working directory, to which names of files are relative."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_kind_or_a_file(here: Path) -> None:
    """A word is the name of a kind, or a file with one declaration or a list of them, in the order of the words."""
    kernel = kernel_with(here, half=good)
    (here / "one.yaml").write_text("kind: half\nname: mild\nthreshold: 0.4\n")
    (here / "more.json").write_text('["exact", {"kind": "half", "options": {}}]')
    found = judge_specs(kernel, ["more.json", "half", "one.yaml"])
    assert [(spec.kind, spec.label, spec.threshold) for spec in found] == [
        ("exact", "exact", None),
        ("half", "half", None),
        ("half", "half", None),
        ("half", "mild", 0.4),
    ]


def test_a_kind_stands_before_a_file_of_its_name(here: Path) -> None:
    """A file that happens to be called as a kind does not change what the kind's name means."""
    (here / "half").write_text("kind: exact\n")
    (spec,) = judge_specs(kernel_with(here, half=good), ["half"])
    assert spec.kind == "half"


def test_agent_and_threshold_override_what_is_declared(here: Path) -> None:
    """The agent replaces that of judges that ask one, with its model or without; the threshold that of all."""
    asking = Told(good)
    asking.asks = True
    kernel = kernel_with(here, half=good, asking=asking)
    (here / "j.yaml").write_text("- half\n- {kind: asking, threshold: 0.1, agent: reviewer}\n")
    half, asks = judge_specs(kernel, ["j.yaml"], agent="openai:gpt-x", threshold=0.6)
    assert half.agent is None
    assert not isinstance(asks.agent, str | None)
    assert (asks.agent.provider, asks.agent.model, asks.agent.temperature) == ("openai", "gpt-x", 0.0)
    assert (half.threshold, asks.threshold) == (0.6, 0.6)
    (_, asks) = judge_specs(kernel, ["j.yaml"], agent="auto")
    assert not isinstance(asks.agent, str | None)
    assert "model" not in asks.agent.model_fields_set
    assert asks.threshold == 0.1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: halv\n", "j.yaml:1:7: there is no judge 'halv', the nearest is 'half'"),
        (
            "kind: half\ntreshold: 1\n",
            "j.yaml:2:1: unknown key 'treshold' in a judge (did you mean 'threshold'?)",
        ),
        ("kind: half\nthreshold: 7\n", "j.yaml:2:12: 'threshold' must be at most 1, found the number 7"),
        ("- half\n- name: x\n", "j.yaml:2:3: missing key 'kind' in a judge"),
        ("- exact\n- halv\n", "j.yaml:2:3: there is no judge 'halv', the nearest is 'half'"),
        ("- half\n- 7\n", "j.yaml:2:3: a judge is the name of its kind, or a mapping with kind"),
        ("[]\n", "j.yaml:1:1: the file declares no judge"),
        ("kind: half\nkind: half\n", "j.yaml:2:1"),
        (
            "kind: half\nagent: {provder: x}\n",
            "j.yaml:2:9: unknown key 'provder' in an agent's config (did you mean 'provider'?)",
        ),
        ("", "the file is empty"),
        ("kind: [\n", "j.yaml:1:8: not valid YAML"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(here: Path, text: str, said: str) -> None:
    """What is wrong with a declaration is told by file, line and column."""
    (here / "j.yaml").write_text(text)
    with pytest.raises(SpecError) as refused:
        judge_specs(kernel_with(here, half=good), ["j.yaml"])
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("halv", "there is no judge 'halv', the nearest is 'half'"),
        ("gone.yaml", "there is no such file"),
        ("x" * 5000, "there is no judge"),
        ("a\0b", "there is no judge"),
        ("", "there is no judge ''"),
    ],
)
def test_an_unknown_judge_is_refused(here: Path, word: str, said: str) -> None:
    """A word that is neither a kind nor a file is a usage error."""
    with pytest.raises(UsageError, match=said):
        judge_specs(kernel_with(here, half=good), [word])


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("forty-two", "forty-two"),
        ("42", "42"),
        ('{"n": 42}', {"n": 42}),
        ("[1, 2]", [1, 2]),
        ("[sic] as it is", "[sic] as it is"),
        ("wanted.json", {"n": 1}),
        ("wanted.yaml", {"n": 2}),
        ("wanted.txt", "{not data}\n"),
        ("an answer that ends in .txt", "an answer that ends in .txt"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_what_is_expected(here: Path, word: str, value: Any) -> None:
    """A file is read by its suffix; other words are themselves, or data when they are a JSON object or list."""
    (here / "wanted.json").write_text('{"n": 1}')
    (here / "wanted.yaml").write_text("n: 2\n")
    (here / "wanted.txt").write_text("{not data}\n")
    assert read_data(word) == value


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("wnted.json", "there is no file 'wnted.json'"),
        ("bad.txt", "bad.txt cannot be read"),
        ("bad.json", "bad.json:1:2"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_taken_for_its_name(here: Path, word: str, said: str) -> None:
    """A name that was mistyped, or a file that is not readable, is refused and never compared with."""
    (here / "bad.txt").write_bytes(b"\xff\xfe")
    (here / "bad.json").write_text("{oops")
    with pytest.raises((UsageError, SpecError)) as refused:
        read_data(word)
    assert said in str(refused.value)
