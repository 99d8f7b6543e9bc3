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
    from loopengt.testing.contracts.adapters import AdapterContract
    from loopengt.testing.contracts.agents import AgentContract
    from loopengt.testing.contracts.commands import CommandContract
    from loopengt.testing.contracts.embedders import EmbedderContract
    from loopengt.testing.contracts.engines import EngineContract
    from loopengt.testing.contracts.exporters import ExporterContract
    from loopengt.testing.contracts.gates import GateContract
    from loopengt.testing.contracts.judges import JudgeContract, JudgeSample
    from loopengt.testing.contracts.mcp_features import McpFeatureContract
    from loopengt.testing.contracts.metrics import MetricContract
    from loopengt.testing.contracts.middleware import MiddlewareContract
    from loopengt.testing.contracts.model_adapters import ModelAdapterContract
    from loopengt.testing.contracts.observers import ObserverContract
    from loopengt.testing.contracts.options import OptionsContract
    from loopengt.testing.contracts.patterns import PatternContract
    from loopengt.testing.contracts.stop_conditions import ProgressSample, StopConditionContract
    from loopengt.testing.contracts.summarizers import SummarizerContract
    from loopengt.testing.contracts.templates import TemplateContract
    from loopengt.testing.contracts.tool_types import ToolTypeContract
    from loopengt.testing.contracts.tools import ToolContract
    from loopengt.testing.contracts.triggers import TriggerContract
    from loopengt.testing.fake_openai import FakeOpenAI
    from loopengt.testing.loop_runs import GateRun, LoopRun, LoopRunner, NotAnswered, StepRun, writes
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
            "contracts.adapters": ("AdapterContract",),
            "contracts.agents": ("AgentContract",),
            "contracts.commands": ("CommandContract",),
            "contracts.embedders": ("EmbedderContract",),
            "contracts.engines": ("EngineContract",),
            "contracts.exporters": ("ExporterContract",),
            "contracts.gates": ("GateContract",),
            "contracts.judges": (
                "JudgeContract",
                "JudgeSample",
            ),
            "contracts.mcp_features": ("McpFeatureContract",),
            "contracts.metrics": ("MetricContract",),
            "contracts.middleware": ("MiddlewareContract",),
            "contracts.model_adapters": ("ModelAdapterContract",),
            "contracts.observers": ("ObserverContract",),
            "contracts.options": ("OptionsContract",),
            "contracts.patterns": ("PatternContract",),
            "contracts.stop_conditions": (
                "ProgressSample",
                "StopConditionContract",
            ),
            "contracts.summarizers": ("SummarizerContract",),
            "contracts.templates": ("TemplateContract",),
            "contracts.tool_types": ("ToolTypeContract",),
            "contracts.tools": ("ToolContract",),
            "contracts.triggers": ("TriggerContract",),
            "fake_openai": ("FakeOpenAI",),
            "loop_runs": ("GateRun", "LoopRun", "LoopRunner", "NotAnswered", "StepRun", "writes"),
            "memory": ("MemoryContract",),
            "observing": ("RecordingObserver",),
            "running": ("loop_spec", "make_kernel", "resume_loop", "run_loop", "run_loop_sync"),
            "scripted": ("ScriptUsedUp", "ScriptedAgent"),
            "stand_ins": ("StandInCli",),
            "storage": ("StorageContract",),
        },
    )

__all__ = [
    "AdapterContract",
    "AgentContract",
    "CommandContract",
    "EmbedderContract",
    "EngineContract",
    "ExporterContract",
    "FakeOpenAI",
    "GateContract",
    "GateRun",
    "JudgeContract",
    "JudgeSample",
    "LoopRun",
    "LoopRunner",
    "McpFeatureContract",
    "MemoryContract",
    "MetricContract",
    "MiddlewareContract",
    "ModelAdapterContract",
    "NotAnswered",
    "ObserverContract",
    "OptionsContract",
    "PatternContract",
    "ProgressSample",
    "RecordingObserver",
    "ScriptUsedUp",
    "ScriptedAgent",
    "StandInCli",
    "StepRun",
    "StopConditionContract",
    "StorageContract",
    "SummarizerContract",
    "TemplateContract",
    "ToolContract",
    "ToolTypeContract",
    "TriggerContract",
    "loop_spec",
    "make_kernel",
    "resume_loop",
    "run_loop",
    "run_loop_sync",
    "writes",
]
