"""Judges, metrics and kernels for the tests of evaluating."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from loopengt import hookimpl
from loopengt.testing import ScriptedAgent, make_kernel
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import JudgeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.judges import JudgeRequest


class Told:
    """A judge kind, and judge, that does what the test says, and remembers what it was asked."""

    options = None
    asks = False

    def __init__(self, answer: Callable[[JudgeRequest], Any], lacking: str = "") -> None:
        self.answer = answer
        self.lacking = lacking
        self.asked: list[JudgeRequest] = []

    def bind(self, spec: JudgeSpec, project: Path) -> Told:
        """Serve every declaration."""
        return self

    def plan(self) -> str:
        """Say nothing of interest."""
        return "do as told"

    def missing(self) -> list[MissingRequirement]:
        """Lack what the test says."""
        return [MissingRequirement(self.lacking)] if self.lacking else []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Answer as told."""
        self.asked.append(request)
        answer = self.answer(request)
        verdict: JudgeVerdict = await answer if asyncio.iscoroutine(answer) else answer
        return verdict


class Fixed:
    """A metric with a value, or an exception."""

    unit = ""
    better = None

    def __init__(self, value: Any) -> None:
        self.value = value

    def measure(self, run: Any) -> Any:
        """Return it, or raise it."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def registering(kind: str, components: Mapping[str, Any]) -> tuple[str, object]:
    """Return a plugin that registers components."""

    @hookimpl
    def hook(register: Any) -> None:
        for name, component in components.items():
            register(name, component, summary="Given by the test")

    module = SimpleNamespace(**{f"loopengt_register_{kind}": hook})
    return f"test_{kind}", module


def kernel_with(
    tmp_path: Path,
    *answers: Any,
    metrics: Mapping[str, Any] | None = None,
    environ: Any = None,
    **judges: Any,
) -> Kernel:
    """Make a kernel whose agents answer, and whose judges do, as told."""
    made = {name: each if isinstance(each, Told) else Told(each) for name, each in judges.items()}
    plugins = [registering("judges", made), registering("metrics", metrics or {})]
    return make_kernel(tmp_path, agents=ScriptedAgent(*answers), plugins=plugins, environ=environ)


def good(request: JudgeRequest) -> JudgeVerdict:
    """Find everything good."""
    return JudgeVerdict(1.0, "fine")
