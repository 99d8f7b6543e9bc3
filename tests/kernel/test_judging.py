"""How judges are asked: repetition, thresholds, time limits, patience, defaults, and what stands in a prompt."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopengt.judging import BoundJudge, Subject, bind_judge, quoted, read_answer, score_data, with_agent
from loopengt.testing import ScriptedAgent, make_kernel
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, JudgeError, MissingRequirement, RateLimited, UsageError
from loopengt_hookspecs.models import AgentConfig, JudgeSpec, VerificationGate

SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["score"],
}


def said(score: float, reasoning: str = "so it is") -> AgentReply:
    """What an agent answers."""
    text = json.dumps({"reasoning": reasoning, "score": score})
    return AgentReply(text, {"total_tokens": 10}, cost_usd=0.25, cost_source="reported")


def bound(project: Path, agent: ScriptedAgent, **declared: Any) -> BoundJudge:
    """Bind the judge quality to a scripted agent."""
    spec = {"kind": "quality", "agent": {"provider": "scripted"}, **declared}
    return bind_judge(make_kernel(project, agents=agent), JudgeSpec.model_validate(spec), project)


async def score(project: Path, *answers: Any, **declared: Any) -> Any:
    """Have something judged with these answers of the agent."""
    return await bound(project, ScriptedAgent(*answers), **declared).score(Subject("the goal", "the output"))


class TestRepetition:
    async def test_the_mean(self, tmp_path: Path) -> None:
        """Several verdicts come to their mean with its spread, and to the words of the one nearest to it."""
        answers = [said(0.7, "low"), said(0.85, "middle"), said(1.0, "high")]
        result = await score(tmp_path, *answers, repeat=3)
        assert result.score == pytest.approx(0.85)
        assert result.scores == [0.7, 0.85, 1.0]
        assert result.spread == pytest.approx(0.15)
        assert (result.passed, result.reasoning) == (True, "middle")
        assert (result.token_usage, result.cost_usd) == ({"total_tokens": 30}, 0.75)

    async def test_the_majority(self, tmp_path: Path) -> None:
        """By majority the score is the share of verdicts that passed, and half of them is not enough."""
        two = await score(tmp_path, said(0.9), said(0.1, "no"), said(0.8), repeat=3, aggregate="majority")
        assert (round(two.score, 3), two.passed) == (0.667, True)
        half = await score(tmp_path, said(0.9), said(0.1, "no"), repeat=2, aggregate="majority")
        assert (half.score, half.passed, half.reasoning) == (0.5, False, "no")

    async def test_one_verdict_has_no_spread(self, tmp_path: Path) -> None:
        """What was asked once tells of no spread."""
        result = await score(tmp_path, said(0.9))
        assert (result.scores, result.spread) == ([], None)
        assert "spread" not in score_data(result)

    async def test_all_must_be_readable(self, tmp_path: Path) -> None:
        """One unreadable verdict among several is an error: the others are not taken for all."""
        with pytest.raises(JudgeError, match="cannot be read"):
            await score(tmp_path, said(1), "no idea", said(1), repeat=3)

    async def test_what_it_costs_is_unknown_when_one_answer_does_not_say(self, tmp_path: Path) -> None:
        """A sum with an unknown part is unknown."""
        silent = AgentReply(said(1).output)
        assert (await score(tmp_path, said(1), silent, repeat=2)).cost_usd is None


class TestThreshold:
    @pytest.mark.parametrize(
        ("declared", "other", "lowest"), [(0.5, 0.9, 0.5), (None, 0.9, 0.9), (None, None, 0.8)]
    )
    async def test_which_counts(
        self, declared: float | None, other: float | None, lowest: float, tmp_path: Path
    ) -> None:
        """The judge's own threshold goes before that of whoever asks, and that before 0.8; to reach it is to pass."""
        for given_score, passed in ((lowest, True), (lowest - 0.001, False)):
            kernel = make_kernel(tmp_path, agents=ScriptedAgent(said(given_score)))
            spec = JudgeSpec(kind="quality", threshold=declared, agent=AgentConfig(provider="scripted"))
            judge = bind_judge(kernel, spec, tmp_path, threshold=other)
            result = await judge.score(Subject("the goal", "the output"))
            assert (result.passed, result.threshold) == (passed, lowest)


class TestAsking:
    async def test_a_time_limit(self, tmp_path: Path) -> None:
        """An agent that takes longer than the judge may is ended, and there is no verdict."""
        gone: list[str] = []

        async def slow(request: Any) -> Any:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                gone.append("cancelled")
                raise

        with pytest.raises(JudgeError, match=r"longer than its 0\.05 seconds"):
            await score(tmp_path, slow, timeout_seconds=0.05)
        assert gone == ["cancelled"]

    async def test_patience(self, tmp_path: Path) -> None:
        """What passes by itself is asked again, as soon as the service says; what it has cost is counted."""
        trouble = AgentError(
            "later", kind="OverloadedError", retry_after=0.01, token_usage={"total_tokens": 3}
        )
        result = await score(tmp_path, trouble, trouble, trouble, said(1))
        assert (result.score, result.token_usage) == (1.0, {"total_tokens": 19})

    async def test_patience_has_an_end(self, tmp_path: Path) -> None:
        """After four tries there is no verdict."""
        trouble = AgentError("later", kind="ServerError", retry_after=0.01)
        agent = ScriptedAgent(*[trouble] * 4, said(1))
        with pytest.raises(JudgeError, match="later"):
            await bound(tmp_path, agent).score(Subject("the goal", "the output"))
        assert len(agent.requests) == 4

    async def test_other_errors_are_not_asked_again(self, tmp_path: Path) -> None:
        """An error that will not pass by itself is one at once."""
        agent = ScriptedAgent(AgentError("refused", kind="RequestRejected"), said(1))
        with pytest.raises(JudgeError, match="refused"):
            await bound(tmp_path, agent).score(Subject("the goal", "the output"))
        assert len(agent.requests) == 1

    @pytest.mark.parametrize("wait", ["soon", float("nan"), -5.0])
    async def test_a_wait_that_is_none(
        self, wait: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where a service names no sensible wait, the judge waits by itself."""
        monkeypatch.setattr("loopengt.judging.asking._WAIT_SECONDS", 0.01)
        result = await score(tmp_path, RateLimited("later", retry_after=wait), said(1))
        assert result.score == 1.0

    @pytest.mark.parametrize(
        "error", [MissingRequirement("no key"), RateLimited("not today", retry_after=7200.0)]
    )
    async def test_what_a_person_has_to_mend(self, error: AgentError, tmp_path: Path) -> None:
        """A missing key, and a limit longer than the judge may take, are told as what is missing."""
        with pytest.raises(MissingRequirement, match=error.message):
            await score(tmp_path, error, said(1))

    async def test_what_was_answered_is_kept(self, tmp_path: Path) -> None:
        """The answer is in the verdict word for word, with what stood around it."""
        text = f"Well: {said(1).output} That is all."
        assert (await score(tmp_path, text)).raw_output == text


class TestBinding:
    def test_who_is_asked(self, tmp_path: Path) -> None:
        """The declared agent, else what the config says, else auto; a name stands for an agent of the loop."""
        config = {"judges": {"provider": "scripted", "model": "m-9"}}
        kernel = make_kernel(tmp_path, config=config)
        agents = {"critic": AgentConfig(provider="python", extra={"function": "a:b"})}
        cases: list[tuple[Any, str]] = [
            (None, "asks scripted"),
            ({"provider": "scripted"}, "asks scripted"),
            ("critic", "asks python"),
        ]
        for agent, words in cases:
            spec = JudgeSpec.model_validate({"kind": "quality", "agent": agent})
            assert words in bind_judge(kernel, spec, tmp_path, agents=agents).plan()
        spec = JudgeSpec(kind="quality")
        assert "asks auto" in bind_judge(make_kernel(tmp_path), spec, tmp_path).plan()

    async def test_the_configured_model_is_asked(self, tmp_path: Path) -> None:
        """Provider and model of [judges] are those of the agent."""
        agent = ScriptedAgent(said(1))
        kernel = make_kernel(
            tmp_path, agents=agent, config={"judges": {"provider": "scripted", "model": "m-9"}}
        )
        await bind_judge(kernel, JudgeSpec(kind="quality"), tmp_path).score(Subject("the goal", "x"))
        assert agent.requests[0].agent.config.model == "m-9"

    def test_what_cannot_be_bound(self, tmp_path: Path) -> None:
        """An unknown agent, and an agent for a judge that asks none, are refused with the nearest name."""
        kernel = make_kernel(tmp_path)
        with pytest.raises(UsageError, match=r"'critik'.*nearest is 'critic'"):
            bind_judge(
                kernel,
                JudgeSpec(kind="quality", agent="critik"),
                tmp_path,
                agents={"critic": AgentConfig(provider="auto")},
            )
        with pytest.raises(UsageError, match="provider 'command', of the judge 'quality', do not fit"):
            bind_judge(kernel, JudgeSpec(kind="quality", agent=AgentConfig(provider="command")), tmp_path)
        with pytest.raises(UsageError, match="asks no agent"):
            bind_judge(kernel, JudgeSpec(kind="exact", agent=AgentConfig(provider="auto")), tmp_path)

    def test_a_gate_gets_the_agent_that_it_names(self) -> None:
        """The name of an agent in a gate's judge becomes its provider and model; other gates stay as they are."""
        config = AgentConfig(provider="openai", model="m-1")
        gate = VerificationGate.model_validate(
            {"name": "g", "kind": "judge", "judge": {"kind": "quality", "agent": "critic"}}
        )
        named = with_agent(gate, {"critic": config})
        assert named.judge is not None
        assert named.judge.agent == config
        plain = VerificationGate(name="h", condition="true")
        assert with_agent(plain, {}) is plain
        with pytest.raises(UsageError, match="critic"):
            with_agent(gate, {})


class TestQuoting:
    @given(st.text(), st.text())
    def test_a_value_cannot_hold_its_own_mark(self, before: str, after: str) -> None:
        """Whatever a text holds, also the marks of another, its own closing mark is found once."""
        other = quoted("output", before)
        text = quoted("output", f"{before}{other}{after}")
        mark = text.splitlines()[0].removeprefix("<")
        assert text.count(f"</{mark}") == 1

    def test_a_long_value_is_shortened(self) -> None:
        """Of a value that is too long the middle is left out, and how much is said."""
        text = quoted("output", "a" * 500 + "b" * 500, longest=100)
        assert "900 characters left out" in text
        assert text.count("a" * 50) == 1
        assert len(text) < 300

    def test_the_same_value_is_quoted_alike(self) -> None:
        """The marks depend on the value alone, so that a recorded answer is found again."""
        assert quoted("output", {"b": 1}) == quoted("output", {"b": 1}) != quoted("output", {"b": 2})


class TestReading:
    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    )
    def test_any_data_is_a_verdict_or_an_error(self, data: Any) -> None:
        """Whatever is answered, as data or as text: what comes back fits the schema, or there is a JudgeError."""
        for answer in (data, json.dumps(data), f"so: {json.dumps(data)}!"):
            try:
                found = read_answer(answer, SCORE)
            except JudgeError:
                continue
            assert 0 <= found["score"] <= 1

    @given(st.text(alphabet='{}[]":,score01.9 \\\n`'))
    def test_any_text_is_a_verdict_or_an_error(self, text: str) -> None:
        """The same of texts that look like JSON and are none."""
        with suppress(JudgeError):
            assert 0 <= read_answer(text, SCORE)["score"] <= 1

    def test_endless_answers_do_not_hang(self) -> None:
        """Very long, deep and broken answers are refused in no time."""
        for text in ("x" * 1_000_000, '{"a":' * 100_000, "{" * 300_000, "[" * 300_000, '{"a":[1,' * 40_000):
            with pytest.raises(JudgeError):
                read_answer(text, SCORE)


async def test_a_judge_that_changes_its_verdict_later(tmp_path: Path) -> None:
    """What a judge keeps of its verdict is its own: the result does not change with it."""
    kept: dict[str, float] = {"a": 0.5}
    from loopengt_hookspecs.judges import JudgeVerdict

    async def judge(request: Any) -> JudgeVerdict:
        return JudgeVerdict(0.5, criteria=kept)

    spec = JudgeSpec(kind="odd")
    odd = SimpleNamespace(judge=judge, plan=lambda: "", missing=list)
    result = await BoundJudge(spec, odd, None, None, 0.5, tmp_path).score(Subject("the goal", "x"))
    kept["a"] = 7
    assert result.criteria == {"a": 0.5}
