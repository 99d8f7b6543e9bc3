"""The test kit: what the author of a loop or of a plugin needs to test it without a model or a service.

::

    from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync

    def test_the_review_is_repeated(tmp_path):
        agent = ScriptedAgent(steps={"review": ["too long", "fine"]})
        gates = [{"name": "fine", "condition": "output == 'fine'"}]
        step = {"name": "review", "verification_gates": ["fine"]}
        spec = loop_spec(step, policy={"verification_gates": gates})
        result = run_loop_sync(make_kernel(tmp_path, agents=agent), spec)
        assert result.end.reason == "goal_met"
        assert agent.requests[1].feedback

With pytest, the fixtures ``kernel`` and ``scripted_agent`` are there without further ado.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.testing.fake_openai import FakeOpenAI
    from loopengt.testing.memory import MemoryContract
    from loopengt.testing.observing import RecordingObserver
    from loopengt.testing.running import loop_spec, make_kernel, resume_loop, run_loop, run_loop_sync
    from loopengt.testing.scripted import ScriptedAgent, ScriptUsedUp
    from loopengt.testing.stand_ins import StandInCli
    from loopengt.testing.storage import StorageContract
else:
    # A pytest run that has this package installed and does not use it pays nothing for it.
    __getattr__, __dir__ = attach(
        __name__,
        {
            "fake_openai": ("FakeOpenAI",),
            "memory": ("MemoryContract",),
            "observing": ("RecordingObserver",),
            "running": ("loop_spec", "make_kernel", "resume_loop", "run_loop", "run_loop_sync"),
            "scripted": ("ScriptUsedUp", "ScriptedAgent"),
            "stand_ins": ("StandInCli",),
            "storage": ("StorageContract",),
        },
    )

__all__ = [
    "FakeOpenAI",
    "MemoryContract",
    "RecordingObserver",
    "ScriptUsedUp",
    "ScriptedAgent",
    "StandInCli",
    "StorageContract",
    "loop_spec",
    "make_kernel",
    "resume_loop",
    "run_loop",
    "run_loop_sync",
]
