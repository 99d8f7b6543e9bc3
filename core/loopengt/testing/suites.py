"""The contract suite of every extension point, and suites for components that plugins have registered.

::

    from loopengt.testing.suites import make_suite, rules, suite_for

    rules(suite_for("judges"))      # name of each test: its rule, in a sentence
    TestExact = make_suite("judges", "exact", good=[JudgeSample("4", expected="4")])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.naming import hint, singular
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from loopengt.kernel import Kernel

__all__ = ["SUITES", "make_suite", "rules", "suite_for"]

_HERE = "loopengt.testing"

SUITES: dict[str, str] = {
    "adapters": f"{_HERE}.contracts.adapters:AdapterContract",
    "agents": f"{_HERE}.contracts.agents:AgentContract",
    "commands": f"{_HERE}.contracts.commands:CommandContract",
    "embedders": f"{_HERE}.contracts.embedders:EmbedderContract",
    "engines": f"{_HERE}.contracts.engines:EngineContract",
    "exporters": f"{_HERE}.contracts.exporters:ExporterContract",
    "gates": f"{_HERE}.contracts.gates:GateContract",
    "judges": f"{_HERE}.contracts.judges:JudgeContract",
    "mcp_features": f"{_HERE}.contracts.mcp_features:McpFeatureContract",
    "memories": f"{_HERE}.memory:MemoryContract",
    "metrics": f"{_HERE}.contracts.metrics:MetricContract",
    "middleware": f"{_HERE}.contracts.middleware:MiddlewareContract",
    "model_adapters": f"{_HERE}.contracts.model_adapters:ModelAdapterContract",
    "observers": f"{_HERE}.contracts.observers:ObserverContract",
    "options": f"{_HERE}.contracts.options:OptionsContract",
    "patterns": f"{_HERE}.contracts.patterns:PatternContract",
    "stop_conditions": f"{_HERE}.contracts.stop_conditions:StopConditionContract",
    "storages": f"{_HERE}.storage:StorageContract",
    "summarizers": f"{_HERE}.contracts.summarizers:SummarizerContract",
    "templates": f"{_HERE}.contracts.templates:TemplateContract",
    "tool_types": f"{_HERE}.contracts.tool_types:ToolTypeContract",
    "tools": f"{_HERE}.contracts.tools:ToolContract",
    "triggers": f"{_HERE}.contracts.triggers:TriggerContract",
}
"""Where the suite of each kind of component is, by the plural name of the extension point."""

KernelMaker = Callable[[Path], "Kernel"]


def suite_for(kind: str) -> type:
    """Return the suite of an extension point.

    Args:
        kind: Plural name of the extension point, such as ``"judges"``.

    Raises:
        UsageError: There is no such extension point.
    """
    if kind not in SUITES:
        raise UsageError(f"there is no kind of component {kind!r}{hint(kind, SUITES)}")
    module, _, name = SUITES[kind].partition(":")
    found: type = getattr(import_module(module), name)
    return found


def rules(suite: type) -> dict[str, str]:
    """Return the rules of a suite: name of the test, and the rule in one sentence, in the order of the tests."""
    tests = {
        name: each
        for base in reversed(suite.__mro__)
        for name, each in vars(base).items()
        if name.startswith("test_")
    }
    return {
        name: " ".join((inspect.getdoc(each) or "").split()) for name, each in tests.items() if callable(each)
    }


def make_suite(kind: str, name: str, *, kernel: KernelMaker | None = None, **samples: Any) -> type:
    """Make the test class of a registered component, which pytest can collect.

    Args:
        kind: Plural name of the extension point.
        name: Name of the component; for ``options`` that of the plugin.
        kernel: Makes the kernel that knows the component, given the project folder; None: the installed plugins are.
        samples: Attributes of the suite, such as ``good`` or ``options``; functions become methods.

    Raises:
        UsageError: There is no such extension point, or its suite has no such sample.
    """
    suite = suite_for(kind)
    odd = [sample for sample in samples if not hasattr(suite, sample)]
    if odd:
        known = sorted(each for each in dir(suite) if not each.startswith(("_", "test_")))
        raise UsageError(f"{suite.__name__} has no sample {odd[0]!r}", remedy=f"It takes {', '.join(known)}.")
    maker = kernel or _installed
    title = "".join(part.capitalize() for part in name.replace("-", "_").split("_"))
    body: dict[str, Any] = {
        "__doc__": f"The rules for {singular(kind)} {name}.",
        **_makers(kind, name, maker),
    }
    if kind == "commands":
        body |= {"name": name, "reference": _reference(maker, name)}
    return type(f"Test{title}", (suite,), body | samples)


def _makers(kind: str, name: str, kernel: KernelMaker) -> dict[str, Any]:
    if kind == "engines":

        def make_engine(self: Any, context: Any) -> Any:
            return context.components.get("engines", name)

        return {"make_engine": make_engine} | _engine_kernel(name, kernel)

    def make(self: Any, folder: Path) -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        made = kernel(folder)
        return made.options_model(name) if kind == "options" else made.get(kind, name)

    return {"make": make}


def _engine_kernel(name: str, kernel: KernelMaker) -> dict[str, Any]:
    from loopengt.testing.contracts.plugging import plugin_with
    from loopengt.testing.running import make_kernel

    def make(self: Any, folder: Path, agent: Any) -> Kernel:
        target = kernel(folder).component("engines", name).target
        plugin = plugin_with("engines", f"{name}_under_test", target)
        config = {"engine": {"name": f"{name}_under_test"}}
        return make_kernel(folder, agents=agent, plugins=[("engine_under_test", plugin)], config=config)

    return {"kernel": make}


def _reference(kernel: KernelMaker, name: str) -> str:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="loopengt-") as folder:
        target = kernel(Path(folder)).component("commands", name).target
    return target if isinstance(target, str) else ""


def _installed(folder: Path) -> Kernel:
    from loopengt.kernel import Kernel

    return Kernel(folder)
