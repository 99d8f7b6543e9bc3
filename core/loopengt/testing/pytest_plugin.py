"""The pytest plugin of loopengt: fixtures for those who test loops and plugins; it imports nothing until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.kernel import Kernel
    from loopengt.testing.scripted import ScriptedAgent


@pytest.fixture
def scripted_agent() -> ScriptedAgent:
    """The agents of ``kernel``, without answers yet: give them with ``scripted_agent.script(step, …)``."""
    from loopengt.testing.scripted import ScriptedAgent

    return ScriptedAgent()


@pytest.fixture
def kernel(tmp_path: Path, scripted_agent: ScriptedAgent) -> Kernel:
    """A kernel with loopengt's own plugins, storage in memory, and ``tmp_path`` as its project.

    Override the fixture, with ``make_kernel``, to add the plugins under test.
    """
    from loopengt.testing.running import make_kernel

    return make_kernel(tmp_path, agents=scripted_agent)
