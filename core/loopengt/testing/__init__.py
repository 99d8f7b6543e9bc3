"""The test kit: what the author of a loop or of a plugin needs to test it without a model or a service.

::

    from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync

    def test_the_review_is_repeated(tmp_path):
        agent = ScriptedAgent(steps={"review": ["too long", "fine"]})
        gate = {"name": "fine", "condition": "output == 'fine'"}
        spec = loop_spec({"name": "review", "verification_gates": ["fine"]}, policy={"verification_gates": [gate]})
        result = run_loop_sync(make_kernel(tmp_path, agents=agent), spec)
        assert result.end.reason == "goal_met"
        assert agent.requests[1].feedback

With pytest, the fixtures ``kernel`` and ``scripted_agent`` are there without further ado.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt.testing.observing import RecordingObserver
    from loopengt.testing.running import loop_spec, make_kernel, resume_loop, run_loop, run_loop_sync
    from loopengt.testing.scripted import ScriptedAgent, ScriptUsedUp
    from loopengt.testing.storage import StorageContract

__all__ = [
    "RecordingObserver",
    "ScriptUsedUp",
    "ScriptedAgent",
    "StorageContract",
    "loop_spec",
    "make_kernel",
    "resume_loop",
    "run_loop",
    "run_loop_sync",
]

# Imported on first use: a pytest run that has this package installed and does not use it pays nothing.
_HOMES = {
    "RecordingObserver": "observing",
    "ScriptUsedUp": "scripted",
    "ScriptedAgent": "scripted",
    "StorageContract": "storage",
    "loop_spec": "running",
    "make_kernel": "running",
    "resume_loop": "running",
    "run_loop": "running",
    "run_loop_sync": "running",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
