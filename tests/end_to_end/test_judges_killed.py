"""A process that is killed while a gate's judge is asked: what was answered is not asked, or paid for, again."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import FakeOpenAI

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Stage

REPEAT = 3


class Critic:
    """Gives one score after the other; one answer can be held back.

    Args:
        held: The question, from 0, whose answer does not come until the test lets it.
    """

    def __init__(self, held: int) -> None:
        self.held: int | None = held
        self.asked = 0
        self.answered = 0
        self.go_on = threading.Event()
        self.sent = threading.Event()

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request."""
        number, self.asked = self.asked, self.asked + 1
        if number == self.held:
            self.sent.set()
            self.go_on.wait(30)
            return {"text": "Nobody hears this.", "usage": {"prompt_tokens": 10, "completion_tokens": 1}}
        said = {"reasoning": f"answer {self.answered}", "score": (0.7, 0.8, 0.9)[self.answered % REPEAT]}
        self.answered += 1
        text = json.dumps(said)
        return {"text": text, "usage": {"prompt_tokens": 10, "completion_tokens": 1}}


@pytest.mark.slow
@pytest.mark.parametrize("held", [0, 1, 2])
def test_a_kill_between_the_verdicts(stage: Stage, until: Callable[..., None], held: int) -> None:
    """Killed while a verdict of three is awaited, the run asks for that one again and for none that it has."""
    stage.short_lease("sqlite")
    critic = Critic(held)
    with FakeOpenAI(critic) as server:
        config = {"provider": "openai-compatible", "model": "m1", "extra": {"base_url": server.url}}
        judge = {"kind": "quality", "repeat": REPEAT, "agent": config}
        stage.loop(
            'echo worked >> "$MARKS/worked"; echo the work',
            {"name": "work", "verification_gates": ["good"]},
            policy={"verification_gates": [{"name": "good", "kind": "judge", "judge": judge}]},
        )
        process = stage.start("run", "loop.yaml", "--in-place")
        until(critic.sent.is_set, "the question is sent")
        stage.kill(process)
        critic.held = None
        critic.go_on.set()
        done = stage.run("resume", stage.row().run_id)
    assert done.returncode == 0, done.stderr
    assert critic.asked == REPEAT + 1
    assert stage.marked("worked") == ["worked"]
    [score] = [event.data for event in stage.events() if event.type == "judge.score"]
    assert score["score"] == pytest.approx(0.8)
    assert sorted(score["scores"]) == [0.7, 0.8, 0.9]
    assert stage.row().tokens == 11 * REPEAT
