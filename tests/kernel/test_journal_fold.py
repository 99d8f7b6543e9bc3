"""The state of a run is the fold of its events, at every place and in any portions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopengt.journal import Fold, total_tokens
from loopengt_hookspecs.models import EndReason, Event, LoopState, RunStatus, StepStatus


def journal() -> list[Event]:
    """The events of a run with all that can happen: retries, gates, a skip, a pause, a decision, a failure."""
    told: list[tuple[str, str | None, dict[str, Any]]] = [
        (
            "loop.start",
            None,
            {"run_id": "r", "loop": "demo", "steps": ["a", "b", "c", "d"], "context": {"k": 1}},
        ),
        ("step.start", "a", {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "w"}),
        ("agent.invoke", "a", {"prompt": "p"}),
        ("tool.call", "a", {"tool": "grep"}),
        ("agent.error", "a", {"attempt": 1, "error": "slow", "kinds": ["TimeoutError"]}),
        ("step.retry", "a", {"attempt": 2, "reason": "error", "delay": 2.5, "feedback": "slow"}),
        ("step.start", "a", {"turn": 1, "occurrence": 1, "attempt": 2, "agent": "w"}),
        ("agent.invoke", "a", {"prompt": "p"}),
        (
            "agent.response",
            "a",
            {"attempt": 2, "output": {"n": 1}, "token_usage": {"prompt_tokens": 4}, "cost_usd": 0.5},
        ),
        ("gate.fail", "a", {"gate": "g", "feedback": "no"}),
        ("gate.pass", "a", {"gate": "h"}),
        ("step.retry", "a", {"attempt": 3, "reason": "gate", "delay": 0, "feedback": "[g] no"}),
        ("step.start", "a", {"turn": 1, "occurrence": 1, "attempt": 3, "agent": "w"}),
        ("agent.invoke", "a", {"prompt": "p"}),
        ("loop.pause", None, {"reason": "interrupted", "detail": "Ctrl-C"}),
        ("loop.resume", None, {"elapsed": 14.0}),
        ("step.start", "a", {"turn": 1, "occurrence": 1, "attempt": 3, "agent": "w"}),
        ("agent.response", "a", {"attempt": 3, "output": {"n": 2}, "token_usage": {"total_tokens": 9}}),
        ("gate.fail", "a", {"gate": "g", "feedback": "tolerated"}),
        ("step.complete", "a", {"turn": 1, "occurrence": 1, "attempt": 3}),
        ("decision", None, {"name": "next", "value": "b"}),
        ("step.complete", "b", {"turn": 2, "occurrence": 1, "skipped": "not a: output.n > 9"}),
        ("step.start", "c", {"turn": 3, "occurrence": 1, "attempt": 1, "agent": "v"}),
        ("agent.error", "c", {"attempt": 1, "error": "broken", "kinds": ["ValueError"]}),
        ("step.error", "c", {"turn": 3, "occurrence": 1, "attempt": 1, "error": "broken"}),
        ("step.start", "d", {"turn": 4, "occurrence": 1, "attempt": 1, "agent": "v"}),
        ("approval.request", "d", {"id": "q", "question": "sure?"}),
        ("checkpoint.save", None, {"checkpoint_id": "c1"}),
        ("loop.error", None, {"reason": "failed", "detail": "step 'c': broken"}),
    ]
    return [Event(seq, kind, 1000.0 + seq, step, data) for seq, (kind, step, data) in enumerate(told, 1)]


def folded(events: list[Event]) -> Fold:
    """Fold events."""
    fold = Fold()
    fold.apply_all(events)
    return fold


def test_every_place_of_a_journal_is_a_valid_state() -> None:
    """After each event there is a snapshot that the contract's model accepts, and that survives JSON."""
    fold = Fold()
    fold.apply(journal()[0])
    for event in journal()[1:]:
        fold.apply(event)
        state = fold.snapshot()
        assert LoopState.model_validate_json(state.model_dump_json()) == state
        assert fold.seq == event.seq


@given(st.lists(st.integers(0, len(journal())), max_size=4))
def test_portions_do_not_matter(cuts: list[int]) -> None:
    """Whether events are folded one by one or in any batches, the state is the same."""
    events = journal()
    fold = Fold()
    edges = [0, *sorted(cuts), len(events)]
    for start, end in pairwise(edges):
        fold.apply_all(events[start:end])
    assert fold.snapshot() == folded(events).snapshot()


def test_the_end_of_a_long_story() -> None:
    """Steps, agents, tokens, costs and times of the whole run are what the events say."""
    fold = folded(journal())
    state = fold.snapshot()
    assert (state.status, state.reason, state.error) == (RunStatus.FAILED, "failed", "step 'c': broken")
    assert {name: step.status for name, step in state.step_states.items()} == {
        "a": StepStatus.COMPLETED,
        "b": StepStatus.SKIPPED,
        "c": StepStatus.FAILED,
        "d": StepStatus.FAILED,
    }
    first = state.step_states["a"]
    assert first.attempts == 3
    assert first.result is not None
    assert first.result.output == {"n": 2}
    assert first.result.token_usage == {"prompt_tokens": 4, "total_tokens": 9}
    assert state.step_states["d"].result is not None
    assert state.step_states["d"].result.error == "the run ended: failed"
    assert [entry["step"] for entry in state.history] == ["a", "c"]
    assert (state.turn, state.current_step_index, state.context, state.checkpoints) == (
        4,
        3,
        {"k": 1},
        ["c1"],
    )
    assert (fold.tokens, fold.cost_usd, fold.unknown_costs) == (13, 0.5, 1)
    workers = state.agent_states["w"]
    assert (workers.invocations, workers.errors, workers.total_tokens, workers.last_output) == (
        3,
        1,
        13,
        {"n": 2},
    )
    assert fold.failures.keys() == {"a", "c"}
    assert fold.failures["a"][0].gate == "g"
    assert fold.last_output == {"n": 2}
    assert list(fold.questions.values()) == [{"id": "q", "question": "sure?"}]


def test_time_is_driven_time() -> None:
    """The pause between two events does not count; elapsed goes on from what the resumption says."""
    events = journal()
    pause = next(index for index, event in enumerate(events) if event.type == "loop.pause")
    assert folded(events[: pause + 1]).elapsed == 14.0
    late = [event._replace(at=event.at + 5000) for event in events[pause + 1 :]]
    fold = folded(events[: pause + 1] + late)
    assert fold.elapsed == 14.0 + (late[-1].at - late[0].at)
    assert fold.end is not None
    assert fold.end.reason is EndReason.FAILED


def test_a_step_that_waits_for_its_retry_says_until_when() -> None:
    """The delay counts from the failure, and the new attempt has not been invoked."""
    events = journal()[:6]
    opened = folded(events).open["a"]
    assert (opened.attempt, opened.feedback, opened.invoked) == (2, "slow", False)
    assert opened.retry_at == events[-1].at + 2.5


def test_another_execution_replaces_one_that_was_given_up() -> None:
    """A step that begins anew, with a new occurrence, owes nothing to the execution that never ended."""
    start = {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "w"}
    events = [
        *journal()[:1],
        Event(2, "step.start", 1.0, "a", start),
        Event(3, "agent.response", 1.0, "a", {"attempt": 1, "output": "old"}),
        Event(4, "step.start", 1.0, "a", start | {"turn": 2, "occurrence": 2}),
    ]
    opened = folded(events).open["a"]
    assert (opened.occurrence, opened.response, opened.turn) == (2, None, 2)


def test_without_history_only_the_history_is_missing() -> None:
    """An engine keeps no list that grows with the run; all else is the same."""
    lean = Fold(history=False)
    lean.apply_all(journal())
    whole = folded(journal()).snapshot()
    assert lean.snapshot() == whole.model_copy(update={"history": []})


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({}, 0),
        ({"total_tokens": 9, "prompt_tokens": 4}, 9),
        ({"prompt_tokens": 4, "completion_tokens": 3, "cached_tokens": 2}, 7),
        ({"completion_tokens": 3}, 3),
        ({"input": 4, "output": 3}, 7),
    ],
)
def test_tokens_are_counted_once(usage: dict[str, int], tokens: int) -> None:
    """A total that the provider reports goes before a sum; parts of parts are not added."""
    assert total_tokens(usage) == tokens


def test_an_unknown_event_changes_nothing_but_the_place() -> None:
    """Events of a later version are passed over."""
    events = journal()[:9]
    before = folded(events)
    after = folded([*events, Event(10, "weather.changed", 1009.0, "a", {"rain": True})])
    assert after.seq == 10
    assert after.snapshot() == before.snapshot()


_TURN = st.fixed_dictionaries(
    {
        "step": st.sampled_from(["a", "b", "c[0]", "elsewhere"]),
        "pause": st.floats(-2, 2),
        "answer": st.fixed_dictionaries(
            {"attempt": st.just(1), "output": st.sampled_from([None, "x", {"n": 1}])},
            optional={
                "token_usage": st.sampled_from([{"prompt_tokens": 3}, {"total_tokens": 9}, {}]),
                "cost_usd": st.sampled_from([0.0, 0.25]),
                "duration": st.just(0.5),
                "metadata": st.sampled_from([{}, {"k": 1}]),
            },
        ),
        "close": st.sampled_from(["step.complete", "step.error", "skipped", "cut off"]),
        "of": st.booleans(),
    }
)


@given(st.lists(_TURN, max_size=8))
def test_a_turn_at_once_comes_to_the_same_as_event_by_event(turns: list[dict[str, Any]]) -> None:
    """However the turns of a run go, batches of four events and single events give equal states."""
    at, seq = 100.0, 1
    start = {"run_id": "r", "loop": "demo", "steps": ["a", "b"]}
    batches = [[Event(1, "loop.start", at, None, start)]]
    for number, turn in enumerate(turns, 1):
        place: dict[str, Any] = {"turn": number, "occurrence": number, "attempt": 1}
        of = {"of": "c"} if turn["of"] else {}
        close = place | {"skipped": "why"} if turn["close"] == "skipped" else place | {"error": "no"}
        told: list[tuple[str, dict[str, Any]]] = [
            ("step.start", place | {"agent": "w"} | of),
            ("agent.invoke", {"prompt": "p"}),
            ("agent.response", turn["answer"]),
            ("step.error" if turn["close"] == "step.error" else "step.complete", close),
        ]
        batch = []
        for kind, data in told[: 3 if turn["close"] == "cut off" else 4]:
            seq, at = seq + 1, at + turn["pause"]
            batch.append(Event(seq, kind, at, turn["step"], data))
        batches.append(batch)
    at_once, one_by_one = Fold(), Fold()
    for batch in batches:
        outcome = at_once.apply_all(batch)
        singles = [one_by_one.apply(event) for event in batch]
        assert outcome == next((made for made in reversed(singles) if made is not None), None)
        assert vars(at_once) == vars(one_by_one)
