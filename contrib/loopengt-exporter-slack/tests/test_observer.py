"""The observer ``slack``: what it tells while loops run, and that no run depends on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop
from loopengt.testing.fake_http import Exchange

from loopengt_exporter_slack import plugin

from .slack_kit import SECRET, VARIABLE, slack, texts_of

ASKING = {
    "verification_gates": [{"name": "ok", "kind": "approval", "description": "Ship <it> to *all*?"}],
}


def kernel_with(project: Path, *answers: Any, **options: Any) -> Any:
    """Make a kernel whose configured observer is this one."""
    config = {"observers": {"names": ["slack"]}, "plugins": {"exporter_slack": options}}
    agent = ScriptedAgent(*answers or ("done",))
    return make_kernel(project, agents=agent, plugins=[("exporter_slack", plugin)], config=config)


def told(service: Any) -> list[str]:
    """The headings of all messages."""
    return [texts_of(message)[0][1].split(" ", 1)[1] for message in service.messages]


async def test_a_run_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message for a run that is at its goal, and one for a run that failed, with why."""
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        await run_loop(kernel_with(tmp_path))
        await run_loop(kernel_with(tmp_path, ValueError("no more ink")))
    assert told(service) == ["demo: goal met", "demo: failed"]
    assert "no more ink" in str(service.messages[1])


async def test_what_is_not_chosen_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tell = ["error"] a run at its goal is no message."""
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        await run_loop(kernel_with(tmp_path, tell=["error"]))
        await run_loop(kernel_with(tmp_path, ValueError("no"), tell=["error"]))
    assert told(service) == ["demo: failed"]


async def test_a_run_that_asks_is_told_with_its_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question stands in the message as text, with the command that answers it; resumed, it asks once more."""
    step = {"name": "work", "agent": "worker", "verification_gates": ["ok"]}
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        kernel = kernel_with(tmp_path)
        result = await run_loop(kernel, loop_spec(step, policy=ASKING))
        assert result.end.reason == "approval_required"
        assert told(service) == ["demo: approval required"]
        texts = texts_of(service.messages[0])
        assert any(kind == "plain_text" and "Ship <it> to *all*?" in text for kind, text in texts), texts
        assert any(f"loopengt approve {result.run_id}" in text for _, text in texts)
        await resume_loop(kernel, result.run_id)
    assert told(service)[1:] == ["demo: approval required"]


async def test_sub_loops_are_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child run is part of its parent's: one message in all."""
    import json

    (tmp_path / "child.json").write_text(json.dumps(loop_spec(name="child")))
    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        spec = loop_spec({"name": "outer", "loop": "child.json"})
        result = await run_loop(kernel_with(tmp_path), spec)
    assert result.end.reason == "goal_met"
    assert told(service) == ["demo: goal met"]


def _silent(exchange: Exchange) -> None:
    exchange.wait(30)


@pytest.mark.parametrize(
    "answers",
    [
        [(404, "no_service")],
        [(500, "x")] * 20,
        [(429, "rate_limited", {"Retry-After": "600"})],
        [_silent] * 20,
    ],
    ids=["gone", "broken", "busy", "silent"],
)
async def test_no_run_fails_or_waits_for_slack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever Slack does, the run ends as it would have, within seconds, and no part of the address is logged."""
    with slack(*answers) as service:
        monkeypatch.setenv(VARIABLE, service.url)
        monkeypatch.setattr("loopengt_exporter_slack.observer.PATIENCE", 1.0)
        began = time.monotonic()
        result = await run_loop(kernel_with(tmp_path))
        assert time.monotonic() - began < 5
    assert (result.end.reason, result.output) == ("goal_met", "done")
    shown = "".join(capsys.readouterr())
    assert not [part for part in SECRET.split("/") if part in shown]


async def test_without_an_address_runs_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset variable switches the observer off, and nothing else."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert (await run_loop(kernel_with(tmp_path))).end.reason == "goal_met"


async def test_many_runs_that_never_end_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of runs whose end is never seen the oldest are forgotten."""
    from loopengt_hookspecs.models import EventType, LoopEvent

    from loopengt_exporter_slack.observer import SlackObserver
    from loopengt_exporter_slack.options import SlackOptions

    with slack() as service:
        monkeypatch.setenv(VARIABLE, service.url)
        observer = SlackObserver(SlackOptions())
        for number in range(1_200):
            await observer.on_event(
                LoopEvent(event_type=EventType.LOOP_START, run_id=f"r{number}", loop_name="demo")
            )
        for number in (0, 1_199):
            ended = LoopEvent(
                event_type=EventType.LOOP_COMPLETE, run_id=f"r{number}", data={"reason": "goal_met"}
            )
            await observer.on_event(ended)
    assert told(service) == ["demo: goal met"]
