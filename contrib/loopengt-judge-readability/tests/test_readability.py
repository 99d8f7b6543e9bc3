"""The judge ``readability``: what it counts, what it makes of that, and what it says."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.judges import JudgeError, JudgeRequest, JudgeVerdict
from loopengt_hookspecs.models import JudgeSpec
from pydantic import ValidationError

from loopengt_judge_readability import plugin
from loopengt_judge_readability.counting import count, prose, texts_of
from loopengt_judge_readability.formulas import FORMULAS
from loopengt_judge_readability.judge import Readability
from loopengt_judge_readability.options import ReadabilityOptions

from .test_contract import EASY, HARD


async def ask(prompt: str, **_: Any) -> Any:
    """Stand in for an agent, which this judge never asks."""
    raise AssertionError(prompt)


async def verdict(output: Any, **options: Any) -> JudgeVerdict:
    """Judge an output."""
    judge = Readability().bind(JudgeSpec(kind="readability", options=options), Path())
    return await judge.judge(JudgeRequest(goal="", output=output, ask=ask, threshold=0.8))


# 2 sentences, 12 words, 15 syllables, 55 letters; 1 word of three syllables, 1 of seven letters.
SAMPLE = "The banana cat sat on the happy mat. It yawned and purred softly."


def test_counts_of_a_sample() -> None:
    """What the formulas need is what a person counts."""
    found = count(SAMPLE, "en")
    assert (found.sentences, found.words, found.syllables, found.letters) == (2, 13, 17, 51)
    assert (found.polysyllables, found.long_words) == (1, 0)
    assert (found.longest, found.longest_words) == ("The banana cat sat on the happy mat", 8)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("flesch_reading_ease", 206.835 - 1.015 * 6.5 - 84.6 * 17 / 13),
        ("flesch_kincaid_grade", 0.39 * 6.5 + 11.8 * 17 / 13 - 15.59),
        ("gunning_fog", 0.4 * (6.5 + 100 / 13)),
        ("smog", 1.043 * 15**0.5 + 3.1291),
        ("automated_readability_index", 4.71 * 51 / 13 + 0.5 * 6.5 - 21.43),
        ("coleman_liau", 0.0588 * (100 * 51 / 13) - 0.296 * (100 * 2 / 13) - 15.8),
        ("lix", 6.5),
    ],
)
async def test_each_formula_is_as_it_was_published(metric: str, value: float) -> None:
    """The value in the details is that of the published formula, computed by hand."""
    found = await verdict(SAMPLE, metric=metric)
    assert found.details["value"] == pytest.approx(value, abs=0.001)
    assert found.details["metric"] == metric


async def test_other_languages_have_their_own_constants() -> None:
    """Amstad's formula for German: 180 minus words a sentence minus 58.5 times syllables a word."""
    text = "Die Katze schläft auf der Bank. Ein Hund kommt und bellt laut."
    found = await verdict(text, language="de")
    assert (found.details["words"], found.details["syllables"]) == (12, 13)
    assert found.details["value"] == pytest.approx(180 - 6 - 58.5 * 13 / 12, abs=0.001)


@pytest.mark.parametrize(
    ("value_at", "score"), [({"target": 90, "zero_at": 0}, 0.996), ({"target": 50, "zero_at": 10}, 1.0)]
)
async def test_the_score_is_linear_between_the_limits(value_at: dict[str, float], score: float) -> None:
    """The target scores 1, and so does what is easier; zero_at scores 0; between them it is a straight line."""
    assert (await verdict(SAMPLE, **value_at)).score == pytest.approx(score, abs=0.002)


async def test_what_is_harder_than_zero_at_scores_nothing() -> None:
    """A score is never below 0, however hard the text is."""
    assert (await verdict(HARD)).score == 0.0
    assert (await verdict(HARD, metric="gunning_fog")).score == 0.0


async def test_a_metric_of_which_less_is_easier_is_turned_round() -> None:
    """A low grade scores 1."""
    assert (await verdict(EASY, metric="flesch_kincaid_grade")).score == 1.0
    assert (await verdict(HARD, metric="flesch_kincaid_grade")).score == 0.0


async def test_the_reasoning_helps_the_next_attempt() -> None:
    """It says the value, what is wanted, and where the longest sentence begins; a good text has nothing to mend."""
    hard, easy = await verdict(HARD), await verdict(EASY)
    assert "60 or more is wanted" in hard.reasoning
    assert "begins: Notwithstanding considerable" in hard.reasoning
    assert "shorter" not in easy.reasoning


async def test_nothing_of_the_text_can_break_the_reasoning() -> None:
    """Control characters and line breaks of the output are not in what a person reads."""
    hostile = "Internationalisation\x1b[31m\u202e institutionalisation " * 12
    assert (await verdict(hostile)).reasoning.isprintable()


@pytest.mark.parametrize(
    "output", ["", "Two words.", None, 17, [], {"a": 1}, "... !!! ???", "```\ncode only\n```"]
)
async def test_what_is_too_short_has_no_score(output: Any) -> None:
    """There is no guess from a handful of words: it is an error that says how many are needed."""
    with pytest.raises(JudgeError, match="too few to be measured: 10 are needed"):
        await verdict(output)


async def test_min_words_may_be_lowered() -> None:
    """Whoever wants a score of three words can have one."""
    assert (await verdict("We like cats.", min_words=3)).score == 1.0


async def test_what_is_too_long_is_refused() -> None:
    """A text of many megabytes is not measured in part."""
    with pytest.raises(JudgeError, match="at most 500000"):
        await verdict("a b. " * 100_001)


@pytest.mark.parametrize(
    "part", ["a", "a. ", "`", "[", "-", "\n", "```\n", "aeiouy", "e.g.", "| "], ids=lambda part: repr(part)
)
async def test_no_text_takes_long(part: str) -> None:
    """What is as long as may be, and made to be slow, takes seconds and not minutes."""
    began = time.perf_counter()
    with suppress(JudgeError):  # some of them have no word
        await verdict(part * (500_000 // len(part)), min_words=1)
    assert time.perf_counter() - began < 10


def test_markdown_is_read_as_prose() -> None:
    """Code, addresses, rules and marks are no words; headings, items and cells end as sentences do."""
    text = """# A heading
Some *text* with `code_that(is) long` and [a link](https://example.org/a/very/long/path).

```python
def unreadable(): ...
```

- first item
- second item

| a | b |
|---|---|
| c | d |
"""
    lines = prose(text, markdown=True).split("\n")
    assert [" ".join(line.split()) for line in lines if line.strip()] == [
        "# A heading",
        "Some *text* with code and a link.",
        "- first item",
        "- second item",
        "a",
        "b",
        "c",
        "d",
    ]
    assert "unreadable" in prose(text, markdown=False)


def test_sentences_end_where_a_reader_stops() -> None:
    """Abbreviations, numbers and names of files do not end one; quotation marks and brackets may follow the end."""
    text = 'Mr. Smith paid 3.50 for main.py, e.g. twice. "Was it good?" He said so (loudly!) and left…'
    assert count(text, "en").sentences == 4
    assert count("One line\nand another\n", "en").sentences == 2
    assert count(prose("One line\nand the rest of it.", markdown=True), "en").sentences == 1


def test_of_json_the_texts_are_read_in_order() -> None:
    """Keys, numbers and nulls are no text; nesting is no obstacle, however deep."""
    assert texts_of({"b": ["one", {"x": "two"}], "a": 3, "c": None, "d": "three"}) == "one\n\ntwo\n\nthree"
    deep: Any = "the innermost"
    for _ in range(5_000):
        deep = [deep]
    assert texts_of(deep) == "the innermost"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "smog", "language": "de"}, "smog is for en; for de: flesch_reading_ease, lix"),
        ({"target": -5}, "has to be above zero_at, 0"),
        ({"metric": "lix", "target": 80}, "has to be below zero_at, 70"),
        ({"target": 5, "zero_at": 5}, "has to be above"),
        ({"target": float("nan")}, "target"),
        ({"metric": "vibes"}, "metric"),
        ({"treshold": 3}, "treshold"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], words: str) -> None:
    """What cannot be meant is an error when the loop is loaded, with what can."""
    with pytest.raises(ValidationError, match=words):
        ReadabilityOptions.model_validate(options)


def test_every_metric_can_be_chosen() -> None:
    """The option knows the formulas, all of them and no other."""
    for metric, formula in FORMULAS.items():
        for language in formula.languages:
            assert (
                ReadabilityOptions.model_validate({"metric": metric, "language": language}).formula is formula
            )
    assert set(FORMULAS) == set(ReadabilityOptions.model_fields["metric"].annotation.__args__)  # type: ignore[union-attr]  # a Literal


def test_a_gate_has_a_text_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a loop the judge refuses the hard text, its words reach the agent, and no network is touched."""

    def refuse(*_: Any) -> None:
        raise AssertionError("something wanted to connect")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    agent = ScriptedAgent(HARD, EASY)
    kernel = make_kernel(tmp_path, agents=agent, plugins=[("judge_readability", plugin)])
    gate = {"name": "readable", "kind": "judge", "judge": {"kind": "readability", "options": {"target": 70}}}
    step = {"name": "write", "verification_gates": ["readable"]}
    result = run_loop_sync(kernel, loop_spec(step, policy={"verification_gates": [gate]}))
    assert (result.end.reason, result.output) == ("goal_met", EASY)
    assert "Flesch reading ease is" in agent.requests[1].feedback
